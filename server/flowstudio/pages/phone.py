"""A flow's form on a phone: a code to scan that opens it and signs the phone in, once."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

from ..access import LOGIN_SECONDS
from ..errors import Refused
from ..studio import Studio, TheStudio
from .html import path, render

router = APIRouter()
MARGIN = 4  # modules of white around the code, as ISO/IEC 18004 wants


@router.post("/flows/{flow_id:path}/phone")
def show_code(request: Request, studio: TheStudio, flow_id: str) -> HTMLResponse:
    """Make a login link that leads on to the form of a flow, and show it as a code.

    Raises FlowNotFound; refuses where no phone can reach this server.
    """
    flow = studio.library.entry(flow_id)
    if studio.settings.origin is None:
        raise Refused(
            409,
            "server.not_reachable",
            "Only this machine can reach the server, so a phone cannot. Put an https proxy in front of it and "
            "name its address in FLOWSTUDIO_ORIGIN.",
        )
    link = studio.access.login_link(studio.settings.address, then=f"/flows/{path(flow_id)}/run")
    way, size = drawn(link)
    return render(
        request,
        "phone.html",
        flow=flow,
        address=form_address(studio, flow_id),
        way=way,
        size=size,
        minutes=LOGIN_SECONDS // 60,
    )


def form_address(studio: Studio, flow_id: str) -> str:
    """Return where a flow's form is."""
    return f"{studio.settings.address}/flows/{quote(flow_id)}/run"


def drawn(text: str) -> tuple[str, int]:
    """Return a QR code of a text as the path of its dark modules, and its side in modules, margin included."""
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    dark = (
        f"M{x + MARGIN} {y + MARGIN}h1v1h-1z"
        for y, row in enumerate(code.modules)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    return "".join(dark), len(code.modules) + 2 * MARGIN
