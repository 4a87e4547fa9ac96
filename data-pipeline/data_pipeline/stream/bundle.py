"""What decides a batch: one model version and one policy version under one name, bound before scoring.

The policy's text is kept by its version, so that a retried batch can be decided by the bundle it was bound to
although the active rules have changed in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from fraud_prevention.domain.errors import ArtefactRefused
from fraud_prevention.policy.bundle import Policy, load_policy, parse_policy, policy_text
from model.features.catalogue import FEATURE_NAMES
from model.inference.scorer import TreeScorer, load_scorer

_SEPARATOR: Final = "+"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A scorer and a policy that belong together."""

    scorer: TreeScorer
    policy: Policy


def bundle_name(model_version: str, policy_version: str) -> str:
    """The name under which a batch is bound."""
    return model_version + _SEPARATOR + policy_version


def _policy_path(directory: Path, version: str) -> Path:
    return directory / f"{version}.yaml"


def publish_bundle(directory: Path, model_directory: Path, policy_file: Path) -> str:
    """Check the active model and the policy, keep the policy's text by its version, and return the bundle's name.

    Raises ArtefactRefused or InvalidPolicy before any record is read.
    """
    scorer = load_scorer(model_directory)
    text = policy_text(policy_file)  # once: what is checked is what is kept
    policy = parse_policy(text, FEATURE_NAMES)
    directory.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", encoding="utf-8", dir=directory, delete=False) as file:
        file.write(text)
    Path(file.name).replace(_policy_path(directory, policy.version))
    return bundle_name(scorer.model_version, policy.version)


def load_bundle(directory: Path, model_directory: Path, name: str) -> Bundle:
    """The bundle of that name. Raises ArtefactRefused where a part of it is gone or changed."""
    model_version, _, policy_version = name.partition(_SEPARATOR)
    path = _policy_path(directory, policy_version)
    if not path.exists():
        raise ArtefactRefused(str(path), "the policy that this batch was bound to is gone; restore it, then restart")
    policy = load_policy(path, FEATURE_NAMES)
    if policy.version != policy_version:
        raise ArtefactRefused(
            str(path), f"it holds {policy.version}; restore what this batch was bound to, then restart"
        )
    return Bundle(load_scorer(model_directory, model_version), policy)
