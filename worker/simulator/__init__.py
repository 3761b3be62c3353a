"""A WhatsApp gateway of our own on loopback, for trying things out and for tests.

It speaks the HTTP interface of GOWA v9 and that of Meta's Cloud API as far as pgdrip uses them,
keeps what it received, shows it on a page, fails on demand, and plays the contacts: their receipts
and replies go out as signed webhooks. Nothing leaves the machine.

Beside the paths of both interfaces: ``GET /`` the page; ``GET /simulator/messages?since=&device=
&phone=&limit=`` what came in, oldest first (``since``: a ``seq``, later ones are listed); ``GET
/simulator/replies`` what the contacts wrote, likewise; ``GET /simulator/stats``; ``GET|POST
/simulator/settings`` (a POST changes the named fields of :class:`SimulatorSettings`); ``POST
/simulator/reply`` a contact writes, see :class:`ReplyRequest`; ``POST /simulator/devices/{id}``
``{"is_connected", "is_logged_in"}``; ``POST /simulator/release`` lets held requests go; ``POST
/simulator/reset`` forgets everything but the settings.
"""

from .contacts import ReplyRequest
from .server import DEFAULT_HOST, DEFAULT_PORT, Simulator, SimulatorThread, run_simulator
from .settings import SimulatorSettings
from .state import KEPT_MESSAGES, ReceivedMessage, Reply

__all__ = [
    "DEFAULT_HOST",
    "DEFAULT_PORT",
    "KEPT_MESSAGES",
    "ReceivedMessage",
    "Reply",
    "ReplyRequest",
    "Simulator",
    "SimulatorSettings",
    "SimulatorThread",
    "run_simulator",
]
