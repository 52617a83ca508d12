"""Attacks with links in orders: addresses that no stranger may reach through us."""

import time

import httpx

from drills.hostile.probe import Probe
from drills.hostile.target import Target

# {port} is a private host's, which counts its connections. Only addresses of this machine and names that never resolve:
# an attack run sends nothing to a network.
_LINKS = (
    "http://127.0.0.1:{port}/x.png",
    "http://localhost:{port}/x.png",
    "http://LOCALHOST.:{port}/x.png",
    "http://[::1]:{port}/x.png",
    "http://[0:0:0:0:0:0:0:1]:{port}/x.png",
    "http://[::ffff:127.0.0.1]:{port}/x.png",
    "http://[::ffff:7f00:1]:{port}/x.png",
    "http://[::127.0.0.1]:{port}/x.png",
    "http://0.0.0.0:{port}/x.png",
    "http://0:{port}/x.png",
    "http://[::]:{port}/x.png",
    "http://2130706433:{port}/x.png",
    "http://0x7f000001:{port}/x.png",
    "http://0x7f.1:{port}/x.png",
    "http://0177.0.0.1:{port}/x.png",
    "http://127.1:{port}/x.png",
    "http://127.0.0.3:{port}/x.png",
    "http://\N{FULLWIDTH DIGIT ONE}27.0.0.1:{port}/x.png",
    "http://127\N{IDEOGRAPHIC FULL STOP}0\N{IDEOGRAPHIC FULL STOP}0\N{IDEOGRAPHIC FULL STOP}1:{port}/x.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fe80::1]/x.png",
    "http://168.63.129.16/x.png",
    "http://100.100.100.200/latest/meta-data/",
    "http://10.0.0.1/x.png",
    "http://[64:ff9b::7f00:1]:{port}/x.png",
    "http://[2002:7f00:1::]:{port}/x.png",
    "http://[2001::7f00:1]:{port}/x.png",
    "http://[3fff::1]/x.png",
    "http://192.88.99.1/x.png",
    "http://127.0.0.1:22/x.png",
    "http://127.0.0.1:25/x.png",
    "gopher://127.0.0.1:{port}/_FLUSHALL",
    "file:///etc/passwd",
    "ftp://127.0.0.1/x.png",
    "http://user:password@127.0.0.1:{port}/x.png",
    "http://127.0.0.1:{port}\\@127.0.0.2/x.png",
    "http://127.0.0.2@127.0.0.1:{port}/x.png",
    "http://127.0.0.1:{port}#@127.0.0.2/x.png",
    "javascript:alert(1)",
    "data:image/png;base64,AAAA",
    "http://" + "a" * 300 + ".invalid/x.png",
    "//127.0.0.1/x.png",
    "http://127.0.0.1:99999/x.png",
    "http://127.0.0.1:{port}/\r\nX: y",
)
_SHORT = {"http://[::1]:{port}/x.png"}

# Beyond the deadline of an order. Only an order that never ends takes so long.
_PATIENCE_SECONDS = 300.0
_LOOK_EVERY_SECONDS = 0.05


def _probe(link: str) -> Probe:
    def attack(target: Target) -> str:
        before = target.hosts.private_connections
        url = link.replace("{port}", str(target.hosts.private_port))
        body = {"model": "gemini-3.1-flash-image", "prompt": "a boat", "image_urls": [url], "deadline_seconds": 10}
        answer = target.http.post("/v1/generations", json=body, headers=target.evil.headers)
        if answer.status_code != httpx.codes.ACCEPTED:
            return str(answer.status_code)
        code = _error(target, f"/v1/generations/{answer.json()['id']}")
        return f"{code}, {target.hosts.private_connections - before} private"

    # A name that does not resolve may resolve later, so such an order ends at its deadline.
    return Probe("link", link[:60], attack, "422|(input_unreadable|timeout), 0 private", is_short=link in _SHORT)


def _error(target: Target, path: str) -> str:
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        seen = target.see(target.evil, path)
        if seen["error"] is not None:
            return str(seen["error"]["code"])
        time.sleep(_LOOK_EVERY_SECONDS)
    return str(seen["status"])


LINKS = [_probe(link) for link in _LINKS]
"""Every attack by a link."""
