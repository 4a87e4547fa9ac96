"""What a share of a plan does about merchants, terminals, devices and networks, each of which one share owns.

1. what was met of them goes to the share that owns each;
2. when every share has handed over, each takes all of it into its entities' records, writes them, and answers with the
   entities' features at each meeting;
3. when every share has answered, the features stand in the vectors.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from data_pipeline.stream.plan import Plan
from data_pipeline.stream.ports import Ports
from data_pipeline.stream.side_inputs import SideInput
from data_pipeline.stream.summary import Summary
from model.features.entities import engine as shared
from model.features.entities.merge import (
    MEETING,
    REPORT,
    REPORTED_KINDS,
    PlanSpan,
    meetings_of,
    merge,
    places_of_meetings,
    touched,
)
from model.features.entities.record import pack
from model.features.record import Entries

# Longer than any sound batch takes; a share that is not through by then has failed, and the plan is repeated.
BARRIER_TIMEOUT_S: Final = 120.0
MET: Final = "met"
ANSWERED: Final = "answered"


class SharedEntities:
    """The shared entities in one share of a plan."""

    def __init__(self, ports: Ports, plan: Plan, share: int, shares: int, summary: Summary) -> None:
        self._ports, self._plan, self._share, self._shares = ports, plan, share, shares
        self._phase = summary.phase

    def fill(
        self,
        events: Entries,
        entities: NDArray[np.uint64],
        explained: NDArray[np.uint8],
        is_new: NDArray[np.bool_],
        inputs: list[SideInput],
        out: NDArray[np.float64],
    ) -> None:
        """Take the new ones of ENTRY[n] and what labels say into the records; write the features into out f8[n, SHARED].

        entities: codes u8[n, kinds], 0 for none. Raises PlanLost, StateFenced, StateCorrupt, Unavailable.
        """
        with self._phase("hand over"):
            met = meetings_of(events, entities, explained, is_new)
            owners = (met["entity"] % np.uint64(self._shares)).astype(np.intp)
            reports = _reports(inputs)
        parts = self._exchange(met, owners, reports)
        with self._phase("entities"):
            answers = self._take_in(parts)
        own = answers[self._share]
        others = self._give_back(answers)
        with self._phase("shared"):
            out[:] = shared.DEFAULTS
            rows, kinds = places_of_meetings(entities, is_new)
            for other, values in enumerate([*others[: self._share], own, *others[self._share :]]):
                asked = owners == other
                shared.fill(rows[asked], kinds[asked], values, out)

    def _exchange(
        self, met: NDArray[np.void], owners: NDArray[np.intp], reports: NDArray[np.void]
    ) -> list[tuple[NDArray[np.void], NDArray[np.void]]]:
        """Meetings and reports of the entities that this share owns, by the share that they come from."""
        if self._shares == 1:
            return [(met, reports)]
        reported = reports["entity"] % np.uint64(self._shares)
        parts = [(met[owners == other], reports[reported == other]) for other in range(self._shares)]
        exchange, number, share = self._ports.exchange, self._plan.number, self._share
        with self._phase("hand over"):
            exchange.drop((MET, ANSWERED), number - 1, share, self._shares)  # the plan before is done
            exchange.hand_over(MET, number, share, [_packed(*part) for part in parts])
        self._meet(MET)
        with self._phase("hand over"):
            found = list(map(_unpacked, exchange.take_over(MET, number, share, self._shares)))
        found.insert(share, parts[share])
        return found

    def _take_in(self, parts: list[tuple[NDArray[np.void], NDArray[np.void]]]) -> list[NDArray[np.float64]]:
        """Records of the entities that this share owns, written; answers to each share."""
        met, reports = (np.concatenate(kind) for kind in zip(*parts, strict=True))
        target = touched(met, reports)
        if not len(target.codes):
            return [np.zeros(0)] * len(parts)
        plan, store, held = self._plan, self._ports.entities, self._ports.held
        keys = store.keys(target.codes, target.kinds)
        span = PlanSpan(plan.log, plan.total_start, plan.total_end)
        records = merge(held.read(keys, store.read), target, met, reports, span)
        answers = shared.answer(met, target.places, records)
        after = pack(records)
        store.write(plan.number, keys, after)
        held.put(keys, after)
        sizes = [int(shared.answers_sizes(part["kind"]).sum()) for part, _ in parts]
        return np.split(answers, np.cumsum(sizes)[:-1])

    def _give_back(self, answers: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        """Answers of the other shares, when all have written and answered."""
        if self._shares == 1:
            return []
        exchange, number, share = self._ports.exchange, self._plan.number, self._share
        with self._phase("hand over"):
            exchange.hand_over(ANSWERED, number, share, [values.tobytes() for values in answers])
        self._meet(ANSWERED)
        with self._phase("hand over"):
            return [np.frombuffer(part) for part in exchange.take_over(ANSWERED, number, share, self._shares)]

    def _meet(self, stage: str) -> None:
        """Wait until every share of the plan has come this far."""
        with self._phase("wait"):
            self._ports.plans.mark(self._plan.number, stage, self._share, self._shares)
            self._ports.plans.wait(self._plan.number, stage, self._shares, BARRIER_TIMEOUT_S)


def _reports(inputs: list[SideInput]) -> NDArray[np.void]:
    """REPORT[r]: what the labels say of the merchant and the terminal."""
    rows = [
        (code, i.event_time, i.transaction & 0xFFFFFFFF, i.observed_s, kind, i.is_bad, 0, 0)
        for i in inputs
        if i.is_label
        for kind, code in zip(REPORTED_KINDS, (i.merchant, i.terminal), strict=True)
        if code
    ]
    return np.array(rows, REPORT)


def _packed(meetings: NDArray[np.void], reports: NDArray[np.void]) -> bytes:
    return len(meetings).to_bytes(8, "little") + meetings.tobytes() + reports.tobytes()


def _unpacked(part: bytes) -> tuple[NDArray[np.void], NDArray[np.void]]:
    count = int.from_bytes(part[:8], "little")
    end = 8 + count * MEETING.itemsize
    return np.frombuffer(part[8:end], MEETING), np.frombuffer(part[end:], REPORT)
