"""The queue, one case, the next best case and the verdict."""

from __future__ import annotations

from apiflask import APIBlueprint

from fraud_prevention.domain.case import CaseStatus, CaseVerdict
from fraud_prevention.usecases.cases import PageRequest, QueueOrder
from visualization_dashboard.backend import present
from visualization_dashboard.backend.schemas import (
    CaseDetail,
    CaseListQuery,
    CasePage,
    CaseSummary,
    NextCaseQuery,
    VerdictRequest,
)
from visualization_dashboard.backend.services import services

blueprint = APIBlueprint("cases", __name__, tag="Cases")


@blueprint.get("/cases")
@blueprint.input(CaseListQuery, location="query", arg_name="query")
@blueprint.output(CasePage)
@blueprint.doc(summary="The queue, a page at a time", operation_id="listCases")
def list_cases(query: CaseListQuery) -> CasePage:
    request = PageRequest(
        status=CaseStatus(query.status),
        order=QueueOrder(query.sort),
        limit=query.limit,
        after=present.parse_cursor(query.cursor),
    )
    s = services()
    return present.page(s.desk.list_cases(request), s.clock_ms())


@blueprint.get("/cases/<string:case_id>")
@blueprint.output(CaseDetail)
@blueprint.doc(summary="One case with its timeline", operation_id="getCase", responses={404: "No such case"})
def get_case(case_id: str) -> CaseDetail:
    s = services()
    return present.detail(s.desk.view(case_id), s.clock_ms())


@blueprint.post("/cases/next")
@blueprint.input(NextCaseQuery, location="query", arg_name="query")
@blueprint.output(CaseDetail)
@blueprint.doc(
    summary="Reserve and open the case that should be worked on next",
    operation_id="openNextCase",
    responses={404: "No other case is open and free"},
)
def open_next_case(query: NextCaseQuery) -> CaseDetail:
    s = services()
    return present.detail(s.desk.open_next(s.officer, query.leaving), s.clock_ms())


@blueprint.post("/cases/<string:case_id>/verdict")
@blueprint.input(VerdictRequest, arg_name="body")
@blueprint.output(CaseSummary)
@blueprint.doc(
    summary="Close a case with a verdict; each of its transactions is labelled",
    operation_id="giveVerdict",
    responses={404: "No such case", 409: "The case is closed, has changed since it was read, or is somebody else's"},
)
def give_verdict(case_id: str, body: VerdictRequest) -> CaseSummary:
    s = services()
    closed = s.desk.give_verdict(case_id, CaseVerdict(body.verdict), s.officer, body.version, body.note)
    return present.summary(closed, s.clock_ms())
