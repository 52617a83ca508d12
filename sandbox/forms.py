"""Reads `multipart/form-data`."""

from dataclasses import dataclass
from email.parser import BytesParser


class NotAForm(Exception):
    """The body is not a form."""


@dataclass(frozen=True)
class FormPart:
    """A field of a form."""

    name: str
    """The field's name."""
    file_name: str | None
    """The name of the field's file. None for a text field."""
    content: bytes
    """The field's bytes."""

    @property
    def text(self) -> str:
        """The text of a text field."""
        return self.content.decode(errors="replace")


def form_parts(content_type: str, body: bytes) -> list[FormPart]:
    """The parts of a form in their order. Raises `NotAForm`."""
    # A form is a MIME message. Its first header arrived as an HTTP header.
    form = BytesParser().parsebytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body)
    parts: list[FormPart] = []
    for part in form.walk():
        if part.is_multipart():
            continue
        name, content = part.get_param("name", header="Content-Disposition"), part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise NotAForm
        parts.append(FormPart(name, part.get_filename(), content))
    return parts
