import httpx
import pytest

from providers.http.urls import web_url

NO_HOST = [
    "https://xn--/1.png",
    "https://xn--a/1.png",
    "https://[media.example/1.png",
    "https://a%zz/",
    "https://a b/",
    "https://%00/",
    "https:///1.png",
    "ftp://media.example/1.png",
    "1.png",
    "https://media.example:port/",
    "https://[::z]/",
]


@pytest.mark.parametrize("text", NO_HOST)
def test_a_url_without_a_host_of_the_web_is_refused(text: str) -> None:
    with pytest.raises(httpx.InvalidURL):
        web_url(text)


@pytest.mark.parametrize(
    "text",
    ["https://media.example/1.png?a=b", "http://127.0.0.1:9000/a", "https://[2001:db8::1]/", "https://bücher.example/"],
)
def test_a_url_of_the_web_is_parsed(text: str) -> None:
    assert web_url(text) == httpx.URL(text)


def test_a_relative_url_is_resolved() -> None:
    assert str(web_url("../b", base=httpx.URL("https://a.example/x/y"))) == "https://a.example/b"
    with pytest.raises(httpx.InvalidURL):
        web_url("https://xn--/", base=httpx.URL("https://a.example/x/y"))
