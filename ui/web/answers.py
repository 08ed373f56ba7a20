"""Whether the app or the service answers, for the health check of a container.

`python -m ui.web.answers PORT…` ends with status 0 if one of the ports of this machine does.
"""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException

_PATIENCE = 5.0  # seconds


def answers(port: int) -> bool:
    """Whether a server answers at a port of this machine, even if it asks for a password."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not any(answers(int(port)) for port in sys.argv[1:]))
