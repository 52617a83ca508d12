"""The Studio page in a browser, as the gateway meets it."""

from collections.abc import Callable

import httpx

COOKIE = "reelworks_session"


class Page:
    """A page in a browser of its own, with the cookie of its session."""

    def __init__(self, gateway: httpx.Client, api_key: str | None) -> None:
        self._client = httpx.Client(base_url=gateway.base_url, timeout=30, trust_env=False)
        body = {} if api_key is None else {"api_key": api_key}
        self.sign_in = self._client.post("/v1/session", json=body)
        self.session = self.sign_in.json()

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    @property
    def token(self) -> str:
        return self.cookies[COOKIE]

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._client.get(path, headers=headers)

    def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """As the page sends a change: with the session's token."""
        given = {"X-CSRF-Token": self.session["csrf_token"], **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self._client.request(method, path, json=body, headers=given)

    def close(self) -> None:
        self._client.close()


OpenPage = Callable[[str | None], Page]
"""Signs in with a key, or with None as the development customer."""


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
