"""The result of an interaction: its file, or the failure.

The result is the last image or video of the model's steps, by the rule of Google's client
(`_output_properties_from_steps` of google-genai's `_gaos/google_genai.py`). Creates ask for a URI, but the answer can
contain base64: "Currently, calling GET /v1beta/interactions/{id} returns the video as inline base64 data in the data
field, even if the interaction was originally created with delivery: uri"
(https://ai.google.dev/gemini-api/docs/omni). The link of an embedded file is the URL of the interaction, with the
number of `data` members before the file. The number is needed because steps also contain the bytes of the inputs.

Google does not document a code or status for content that it refuses as unsafe. One observed refusal was `completed`
with text only. So this module reports refusals as other failures.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import JsonValue

from providers.account import Account
from providers.adapters.gemini.wire import API, INTERACTIONS, Interaction, JsonObject
from providers.adapters.links import file_links
from providers.adapters.payload import texts
from providers.adapters.results import failed
from providers.base import RemoteRef, RemoteState, RemoteStatus, ResultRequest

EMBEDDED: Final = "data"
"""The JSON member that contains an embedded file."""

# A tuple: the kind in an answer may be a value that no set can hold.
_MEDIA: Final = ("image", "video")
_FILES: Final = "files/"

# The meaning of each final status that is neither a success nor a plain failure.
_ENDS: Final[Mapping[str, str]] = {
    "incomplete": "it stopped before the result was whole",
    "budget_exceeded": "it used up what it may compute for one result",
    "requires_action": "it waits for an answer, and nobody is there to give one",
    "requires_continuation": "it waits to be told to go on, and nobody is there to do so",
}


def to_success(interaction: Interaction, remote: RemoteRef, account: Account) -> RemoteState:
    """The state of a completed interaction."""
    contents = list(_contents(interaction.document))
    for kind, content in contents:
        if kind not in _MEDIA:
            continue
        if links := _links(content.get("uri"), account):
            return RemoteState(RemoteStatus.SUCCEEDED, result_urls=links)
        if isinstance(content.get(EMBEDDED), str):
            place = _place(content, interaction.document)
            link = f"{account.url(INTERACTIONS)}/{remote.remote_id}#{place}"
            return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[link])
    words = next((text for _, content in contents if isinstance(text := content.get("text"), str) and text), None)
    if words is not None:
        return failed(f"gemini answered with words in place of a result: {words}")
    return failed("gemini reported success without a result")


def to_failure(interaction: Interaction) -> RemoteState:
    """The state of a failed interaction, with Google's explanation."""
    status = str(interaction.status).casefold()
    ends = [f"{end} ({status})"] if (end := _ENDS.get(status)) else []
    told = [*ends, *(texts(interaction.errors) or texts(interaction.error))]
    return failed(f"gemini could not generate it: {'; '.join(told) or 'no reason given'}")


def to_request(link: str, account: Account) -> ResultRequest:
    """The request that fetches the file of a link from `to_success`."""
    url, _, place = link.partition("#")
    path, headers = account.path_of(url) or "", account.headers_for(url)
    if path.startswith(f"{INTERACTIONS}/"):
        embedded_after = int(place) if place.isascii() and place.isdigit() else 0
        return ResultRequest(url, headers=headers, embedded_in=EMBEDDED, embedded_after=embedded_after)
    if path.startswith(f"{API}/{_FILES}") and "alt=" not in url:
        # Without `alt=media`, the answer is the file's metadata.
        url += "&alt=media" if "?" in url else "?alt=media"
    return ResultRequest(url, headers=headers)


def _contents(document: JsonObject) -> Iterator[tuple[JsonValue, JsonObject]]:
    """The contents of the model's output, each with its kind, the last first."""
    steps = document.get("steps")
    for step in reversed(steps if isinstance(steps, list) else []):
        if not isinstance(step, dict) or step.get("type") != "model_output":
            continue
        contents = step.get("content")
        for content in reversed(contents if isinstance(contents, list) else [contents]):
            if isinstance(content, dict):
                yield content.get("type"), content
    for kind in _MEDIA:
        output = document.get(f"output_{kind}")
        if isinstance(output, dict):
            yield kind, output


def _links(uri: JsonValue, account: Account) -> list[str]:
    # In one of Google's examples, a file has a name and no URL.
    if isinstance(uri, str) and uri.startswith(_FILES):
        return [account.url(f"{API}/{uri}")]
    return file_links(uri)


def _place(content: JsonObject, document: JsonObject) -> int:
    """The number of `data` members in the document before the one of this content."""
    return next(place for place, holder in enumerate(_holders(document)) if holder is content)


def _holders(value: JsonValue) -> Iterator[JsonObject]:
    """The objects with a `data` member that is a text, in the order of the document."""
    if isinstance(value, list):
        for item in value:
            yield from _holders(item)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name == EMBEDDED and isinstance(member, str):
                yield value
            else:
                yield from _holders(member)
