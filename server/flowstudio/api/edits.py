"""The edit log of a flow: save with what was done, follow others, undo after a reload, go back."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from ..access import actor_of
from ..errors import Refused, problems
from ..json_body import JsonRoute
from ..library import FlowLibrary, check_shape
from ..library_changes import ChangeError
from ..library_edits import Edit
from ..library_log import commands_of
from ..studio import TheStudio
from .body import DOCUMENT, RawBody, as_document
from .flows import tags_of
from .models import EditPage, EditRow, MergePage, ProblemRow, SavedEdit, StepPage

router = APIRouter(route_class=JsonRoute, prefix="/api/flows", tags=["edits"])
MOST = 2**53  # numbers that browsers keep exactly
Seq = Annotated[int, Path(ge=0, le=MOST)]
IfMatch = Annotated[str | None, Header(alias="If-Match")]
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["document"],
                    "properties": {
                        "document": {"type": "object", "description": "The whole flow after the edit"},
                        "commands": {
                            "type": "array",
                            "description": "What was done since `If-Match`: `do` with its changes, `undo`, `redo`, `cancel`",
                            "items": {
                                "type": "object",
                                "properties": {
                                    "how": {"enum": ["do", "undo", "redo", "cancel"]},
                                    "label": {"type": "string"},
                                    "changes": {"type": "array", "items": {"type": "object"}},
                                    "joins": {"type": "boolean"},
                                },
                            },
                        },
                    },
                }
            }
        },
    }
}


MERGE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["base", "document"],
                    "properties": {
                        "base": {
                            "type": "string",
                            "description": "The revision that `document` was made from",
                        },
                        "document": {"type": "object"},
                        "choices": {
                            "type": "object",
                            "description": "`mine` or `theirs` by the id of a conflict",
                            "additionalProperties": {"enum": ["mine", "theirs"]},
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "/{flow_id:path}/edits",
    responses=problems(
        "request.malformed", "request.wrong_type", "flow.malformed", "flow.stale", "revision.required"
    ),
    openapi_extra=BODY,
)
def save_edit(
    flow_id: str, raw: RawBody, request: Request, studio: TheStudio, if_match: IfMatch = None
) -> SavedEdit:
    """Save a document with the commands that led to it from `If-Match`; both are kept, or none."""
    body = as_document(raw)
    if if_match is None:
        raise Refused(428, "revision.required", "Send the revision that the edit was made from in If-Match.")
    document = body.get("document")
    if not isinstance(document, dict):
        raise Refused(422, "flow.malformed", "`document` must be the whole flow after the edit.")
    try:
        commands = commands_of(body.get("commands", []))
    except ChangeError as error:
        raise Refused(422, "flow.malformed", str(error)) from None
    edit = Edit(actor_of(request.scope), commands=commands)
    kept = studio.library.put(flow_id, document, if_match=tags_of(if_match), edit=edit)
    studio.versions.worked(flow_id, document, actor_of(request.scope))
    found = studio.programs.problems(flow_id, document)
    return SavedEdit(
        revision=kept.revision,
        problems=[ProblemRow.model_validate(item) for item in found],
        seq=studio.history.last(flow_id),
        is_told=kept.is_told,
    )


@router.post(
    "/{flow_id:path}/merge",
    responses=problems(
        "request.malformed", "request.wrong_type", "flow.not_found", "flow.malformed", "edit.not_found"
    ),
    openapi_extra=MERGE_BODY,
)
def merge_edit(flow_id: str, raw: RawBody, request: Request, studio: TheStudio) -> MergePage:
    """Merge a document made from revision `base` with what the flow is now, per node and field.

    Nothing is saved but, when there are conflicts, `document` as a version. Send it again with `choices`;
    `changes` lead from the flow as it is now to the merged one.
    """
    body = as_document(raw)
    base, document, choices = body.get("base"), body.get("document"), body.get("choices", {})
    if not isinstance(base, str) or not isinstance(document, dict) or not isinstance(choices, dict):
        raise Refused(422, "flow.malformed", "Send `base`, a revision, and `document`, the whole flow.")
    check_shape(flow_id, document)
    found = studio.history.merge(flow_id, base, document, choices)
    if found["clashes"] and not choices:
        studio.versions.make(flow_id, document, "merge", actor_of(request.scope))
    return MergePage.model_validate(found)


@router.get("/{flow_id:path}/edits/steps", responses=problems("flow.not_found"))
def get_steps(
    flow_id: str,
    studio: TheStudio,
    before: Annotated[int | None, Query(ge=0, le=MOST)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> StepPage:
    """Return the steps that undo and redo would take, the next one last; older ones with `before`."""
    revision = studio.library.entry(flow_id).revision
    return StepPage(revision=revision, **studio.history.steps(flow_id, before, limit))


@router.get(
    "/{flow_id:path}/edits/{seq}",
    response_class=Response,
    responses={200: {"description": "The document", "content": DOCUMENT}, **problems("edit.not_found")},
)
def get_edit(flow_id: str, seq: Seq, studio: TheStudio) -> Response:
    """Return the flow as it was after an edit; 0 stands for before all of them."""
    document = studio.history.document_after(flow_id, seq)
    return Response(json.dumps(document, ensure_ascii=False), media_type="application/json")


@router.post(
    "/{flow_id:path}/edits/{seq}/restore",
    responses=problems("flow.not_found", "edit.not_found", "flow.stale"),
)
def restore_edit(
    flow_id: str, seq: Seq, request: Request, studio: TheStudio, if_match: IfMatch = None
) -> SavedEdit:
    """Make the flow what it was after an edit: one more edit, which can be undone too."""
    tags = tags_of(if_match) if if_match else [FlowLibrary.ANY]
    kept = studio.history.go_back(flow_id, seq, actor_of(request.scope), tags)
    return SavedEdit(revision=kept.revision, problems=[], seq=studio.history.last(flow_id), is_told=True)


@router.get("/{flow_id:path}/edits", responses=problems("flow.not_found", "edit.not_found"))
def list_edits(
    flow_id: str,
    studio: TheStudio,
    after: Annotated[int, Query(ge=0, le=MOST)] = 0,
    limit: Annotated[int, Query(ge=1, le=2000)] = 500,
) -> EditPage:
    """Return the edits after one, in order, with the revision that the flow is at now."""
    revision = studio.library.entry(flow_id).revision
    last = studio.history.last(flow_id)
    rows = studio.history.rows(flow_id, after, limit) if after != last else []
    return EditPage(
        revision=revision,
        seq=last,
        edits=[EditRow.model_validate(row.to_json()) for row in rows],
    )
