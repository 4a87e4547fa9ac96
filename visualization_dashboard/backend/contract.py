"""The finishing touches that make the generated OpenAPI document a contract for a typed client."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import BaseModel

from visualization_dashboard.backend.schemas import FeedAlert, FeedCaseEvent, FeedDecision, FeedPing, Problem

_REF: Final = "#/components/schemas/"
# A client parses these out of the event stream; no operation returns them, so nothing else would declare them.
FEED_MODELS: Final[tuple[type[BaseModel], ...]] = (FeedDecision, FeedAlert, FeedCaseEvent, FeedPing)
# What the guard refuses, whatever the operation.
_FOREIGN_HOST: Final = "The host name is not allowed, or a foreign page started the request"
_FOREIGN_BODY: Final = "The body is not application/json"
# APIFlask's own error shapes, which this API never sends.
_FOREIGN_ERRORS: Final = ("HTTPError", "ValidationError")


def finish(spec: dict[str, Any] | str) -> dict[str, Any] | str:
    """Add the feed's events, name nested models by their own name, and type errors as problem details."""
    assert isinstance(spec, dict)
    schemas: dict[str, Any] = spec.setdefault("components", {}).setdefault("schemas", {})
    declared: tuple[type[BaseModel], ...] = (*FEED_MODELS, Problem)
    for model in declared:
        document = model.model_json_schema(ref_template=f"{_REF}{{model}}", mode="serialization")
        schemas.update(document.pop("$defs", {}))
        schemas[model.__name__] = document
    for operations in spec["paths"].values():
        for operation in operations.values():
            operation["responses"]["403"] = {"description": _FOREIGN_HOST}
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
                operation["responses"]["415"] = {"description": _FOREIGN_BODY}
            for status, response in operation["responses"].items():
                if status >= "400":
                    response["content"] = {"application/problem+json": {"schema": {"$ref": f"{_REF}Problem"}}}
    for name in _FOREIGN_ERRORS:
        schemas.pop(name, None)
    _type_the_feed(spec)
    return _flatten(spec)


def _type_the_feed(spec: dict[str, Any]) -> None:
    events = {"type": "string", "description": "One of " + ", ".join(m.__name__ for m in FEED_MODELS)}
    spec["paths"]["/api/feed"]["get"]["responses"]["200"] = {
        "description": "The event stream",
        "content": {"text/event-stream": {"schema": events}},
    }


def _flatten(spec: dict[str, Any]) -> dict[str, Any]:
    """APIFlask names a nested model `Parent.Child`; two parents would give the client two types for one thing."""
    schemas = spec["components"]["schemas"]
    for name in [n for n in schemas if "." in n]:
        document = schemas.pop(name)
        own_name = name.rpartition(".")[2]
        schemas.setdefault(own_name, document)
    text = json.dumps(spec)
    for parent in sorted(schemas, key=len, reverse=True):
        text = text.replace(f"{_REF}{parent}.", _REF)
    flat = json.loads(text)
    flat["components"]["schemas"] = dict(sorted(flat["components"]["schemas"].items()))
    assert isinstance(flat, dict)
    return flat
