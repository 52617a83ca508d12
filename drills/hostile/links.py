"""Attacks with links in orders: addresses that no stranger may reach through us."""

import httpx

from drills.hostile.probe import Probe
from drills.hostile.target import Target

_LINKS = (
    "http://127.0.0.1:{redis}/x.png",
    "http://localhost:{redis}/x.png",
    "http://[::1]:{redis}/x.png",
    "http://[::ffff:127.0.0.1]/x.png",
    "http://0.0.0.0/x.png",
    "http://2130706433/x.png",
    "http://0x7f.1/x.png",
    "http://127.1/x.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://168.63.129.16/x.png",
    "http://10.0.0.1/x.png",
    "http://[64:ff9b::7f00:1]/x.png",
    "http://[2002:7f00:1::]/x.png",
    "http://[3fff::1]/x.png",
    "http://192.88.99.1/x.png",
    "gopher://127.0.0.1:{redis}/_FLUSHALL",
    "file:///etc/passwd",
    "ftp://127.0.0.1/x.png",
    "http://user:password@127.0.0.1/x.png",
    "http://127.0.0.1\\@127.0.0.1/x.png",
    "javascript:alert(1)",
    "data:image/png;base64,AAAA",
    "http://" + "a" * 300 + ".invalid/x.png",
    "//127.0.0.1/x.png",
    "http://127.0.0.1:99999/x.png",
)
# Only addresses of this machine and names that never resolve: an attack run sends nothing to a network.


def _probe(link: str) -> Probe:
    def attack(target: Target) -> str:
        url = link.replace("{redis}", str(target.redis.connection_pool.connection_kwargs["port"]))
        body = {"model": "gemini-3.1-flash-image", "prompt": "a boat", "image_urls": [url]}
        answer = target.http.post("/v1/generations", json=body, headers={"X-API-Key": target.evil.key})
        if answer.status_code != httpx.codes.ACCEPTED:
            return str(answer.status_code)
        path = f"/v1/generations/{answer.json()['id']}"
        seen = target.http.get(path, headers={"X-API-Key": target.evil.key}).json()
        return f"202, {seen['status']}"

    return Probe("link", link[:60], attack)


LINKS = [_probe(link) for link in _LINKS]
"""Every attack by a link."""
