"""Signing in and out, and whether the server is well."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from ..access_gate import wants_page
from ..errors import BODY, Refused, problems
from ..json_body import JsonRoute
from ..settings import installed_version
from ..studio import TheStudio
from .models import Health, SigningIn

router = APIRouter(route_class=JsonRoute, tags=["session"])


@router.post(
    "/login",
    status_code=204,
    response_class=Response,
    responses=problems(*BODY, "login.wrong_token", "login.too_many"),
)
async def sign_in(body: SigningIn, response: Response, studio: TheStudio) -> None:
    """Trade a one-time login token, or the API token, for a session cookie."""
    value = studio.access.sign_in(body.token)
    if value is None:
        raise Refused(
            401,
            "login.wrong_token",
            "This link has been used or is too old. Start FlowStudio again for a new one, or paste what "
            "`flowstudio token` shows.",
        )
    response.headers["Set-Cookie"] = studio.access.set_cookie(value)


@router.post(
    "/logout",
    status_code=204,
    response_class=Response,
    responses={303: {"description": "To the sign-in page, for a form"}, **problems()},
)
async def sign_out(request: Request, studio: TheStudio) -> Response:
    """End the session and its open streams."""
    session = request.scope["state"].get("session")
    if session is not None:
        studio.access.sign_out(session)
        studio.bell.ring_all()
    headers = {"Set-Cookie": studio.access.clear_cookie()}
    if wants_page(request.headers, request.url.path):
        return Response(status_code=303, headers={**headers, "Location": "/login"})
    return Response(status_code=204, headers=headers)


@router.get("/healthz", responses=problems("store.busy"))
def health(studio: TheStudio) -> Health:
    """Say that the server runs and its store answers."""
    studio.stores.journal.find_waiting("healthz", limit=1)
    return Health(status="ok", version=installed_version())
