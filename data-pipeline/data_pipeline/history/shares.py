"""A history replayed in shares, for one that no machine's memory holds: four passes over files in one folder.

1. `deal`: one process reads the history once, part by part, and deals each part to the shares by customer;
2. `replay_customers`, once a share of customers: their features, and what was met of shared entities, by its owner;
3. `replay_entities`, once a share of entities: the entities' features at each meeting, by the share that asked;
4. `join`, once a share of customers: the feature set's columns.

The shares of a pass know nothing of each other, so that they may run anywhere the folder is. Values are those of
`Replay`, bit for bit: parts are its chunks. A pass that is repeated writes the same files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_pipeline.history.files import HISTORY_SCHEMA
from data_pipeline.history.stream_history import Part
from model.features import kernel
from model.features.catalogue import FEATURE_COUNT
from model.features.codes import codes_of, entity_codes
from model.features.entities.engine import answers_sizes
from model.features.entities.merge import meetings_of, places_of_meetings
from model.features.feature_set import FeatureSet
from model.features.replay_engines import CustomerReplay, EntityReplay, fill_shared
from model.features.side import side_of

# Parts of a folder's passes: the name says what it holds, of which part, and for whom from whom.
_ROWS: Final = "rows/{share:05}/{part:06}.parquet"
_LABELS: Final = "labels/{share:05}/{part:06}.parquet"
_REPORTS: Final = "reports/{owner:05}/{part:06}.npy"
_VECTORS: Final = "vectors/{share:05}/{part:06}.npy"
_ASKED: Final = "asked/{share:05}/{part:06}.npz"
_MET: Final = "met/{owner:05}/{part:06}-{share:05}.npy"
_ANSWERS: Final = "answers/{share:05}/{part:06}-{owner:05}.npy"


class Shares:
    """The folder of one replay in `count` shares."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self.count = folder, count

    def deal(self, parts: Iterator[Part], progress: Callable[[int], None] = lambda _rows: None) -> int:
        """Write each part's rows, labels and reports for the shares; returns how many parts there are.

        `progress` is told the rows done.
        """
        rows = number = 0
        for number, part in enumerate(parts, 1):
            owners = self._of_customers(part.transactions)
            labels = self._of_customers(part.labels)
            reports = side_of(part.labels).reports()
            reported = reports["entity"] % np.uint64(self.count)
            for share in range(self.count):
                mine = pa.array(owners == share)
                pq.write_table(part.transactions.filter(mine), self._new(_ROWS, part=number, share=share))
                pq.write_table(
                    part.labels.filter(pa.array(labels == share)), self._new(_LABELS, part=number, share=share)
                )
                np.save(self._new(_REPORTS, part=number, owner=share), reports[reported == share])
            rows += part.transactions.num_rows
            progress(rows)
        return number

    def replay_customers(self, share: int, parts: int) -> int:
        """Features of the share's customers; returns its rows."""
        engine = CustomerReplay()
        done = 0
        for part in range(1, parts + 1):
            rows = pq.read_table(self._at(_ROWS, part=part, share=share))
            side = side_of(pq.read_table(self._at(_LABELS, part=part, share=share)))
            events, computed = engine.add(rows, side)
            is_new, entities = computed.status == kernel.NEW, entity_codes(rows)
            met = meetings_of(events, entities, computed.explained, is_new)
            owners = (met["entity"] % np.uint64(self.count)).astype(np.uint16)
            places, kinds = places_of_meetings(entities, is_new)
            np.save(self._new(_VECTORS, part=part, share=share), computed.vectors)
            np.savez(self._new(_ASKED, part=part, share=share), rows=places, kinds=kinds, owners=owners)
            for owner in range(self.count):
                np.save(self._new(_MET, part=part, share=share, owner=owner), met[owners == owner])
            done += rows.num_rows
        return done

    def replay_entities(self, owner: int, parts: int) -> int:
        """Features of the owner's entities at each meeting with them; returns the meetings."""
        engine = EntityReplay()
        done = 0
        for part in range(1, parts + 1):
            met = [np.load(self._at(_MET, part=part, share=share, owner=owner)) for share in range(self.count)]
            answers = engine.add(np.concatenate(met), np.load(self._at(_REPORTS, part=part, owner=owner)))
            ends = np.cumsum([int(answers_sizes(asked["kind"]).sum()) for asked in met])
            for share, values in enumerate(np.split(answers, ends[:-1])):
                np.save(self._new(_ANSWERS, part=part, share=share, owner=owner), values)
            done += sum(map(len, met))
        return done

    def join(self, share: int, parts: int, chosen: FeatureSet, output: Path) -> int:
        """Write the set's columns of the share's rows into one Parquet file of the folder; returns its rows."""
        target = output / f"part-{share:05}.parquet"
        unfinished = target.with_suffix(".unfinished")
        done = 0
        with pq.ParquetWriter(unfinished, chosen.schema(HISTORY_SCHEMA), compression="zstd") as writer:
            for part in range(1, parts + 1):
                rows = pq.read_table(self._at(_ROWS, part=part, share=share))
                writer.write_table(chosen.apply(rows, self._joined(share, part)))
                done += rows.num_rows
        unfinished.replace(target)
        return done

    def _joined(self, share: int, part: int) -> NDArray[np.float64]:
        """Whole vectors f8[n, F] of the share's rows of a part."""
        vectors: NDArray[np.float64] = np.load(self._at(_VECTORS, part=part, share=share)).reshape(-1, FEATURE_COUNT)
        with np.load(self._at(_ASKED, part=part, share=share)) as asked:
            owners = asked["owners"]
            fill_shared(
                [np.load(self._at(_ANSWERS, part=part, share=share, owner=owner)) for owner in range(self.count)],
                [owners == owner for owner in range(self.count)],
                asked["rows"],
                asked["kinds"],
                vectors,
            )
        return vectors

    def _of_customers(self, table: pa.Table) -> NDArray[np.uint64]:
        return codes_of(table.column("customer_id")) % np.uint64(self.count)

    def _at(self, name: str, **places: int) -> Path:
        return self._folder / name.format(**places)

    def _new(self, name: str, **places: int) -> Path:
        path = self._at(name, **places)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
