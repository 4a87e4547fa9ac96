"""A release: which digest of each image it deploys. Kept as JSON, {"version": …, "images": {NAME: "REPOSITORY@sha256:…"}}."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ci_cd_testing_deployment.docker.images import IMAGES

NAMES: Final = frozenset(image.name for image in IMAGES)
_REFERENCE: Final = re.compile(r"[\w./:-]+@sha256:[0-9a-f]{64}")


class InvalidRelease(ValueError):
    """A release that must not be deployed; says why."""


@dataclass(frozen=True, slots=True)
class Release:
    """Images by name, each with its repository and digest."""

    version: str
    images: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises InvalidRelease where an image is missing, unknown, or named by a tag, which may move."""
        try:
            found = json.loads(text)
            release = cls(str(found["version"]), dict(found["images"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidRelease(f"it is not a release: {error}") from error
        if missing := sorted(NAMES - set(release.images)):
            raise InvalidRelease(f"it lacks {', '.join(missing)}")
        if unknown := sorted(set(release.images) - NAMES):
            raise InvalidRelease(f"there is no image {', '.join(unknown)}")
        for name, reference in release.images.items():
            if not _REFERENCE.fullmatch(reference):
                raise InvalidRelease(f"{name} is {reference}, not REPOSITORY@sha256:DIGEST: a tag may move")
        return release

    def dump(self) -> str:
        return json.dumps({"version": self.version, "images": dict(sorted(self.images.items()))}, indent=1) + "\n"


def merge(version: str, folder: Path) -> Release:
    """The release of the files that the builds of the single images left: FOLDER/**/NAME.digest, one reference each."""
    images = {path.stem: path.read_text(encoding="utf-8").strip() for path in folder.rglob("*.digest")}
    return Release.parse(json.dumps({"version": version, "images": images}))
