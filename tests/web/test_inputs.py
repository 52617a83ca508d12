"""Input pictures: dropped on the form, and pasted anywhere."""

import base64
import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import System
from tests.support import NewCustomer
from tests.web.conftest import Enter
from tests.web.person import Person, ready

_DROP = """
(target, [name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name, { type: 'image/png' }));
  for (const type of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  }
}
"""

_COPY = """
async (content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': new Blob([bytes], { type: 'image/png' }) })]);
}
"""


@pytest.fixture(scope="module")
def picture() -> str:
    """A small PNG in base64."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((320, 240)).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def is_sent(person: Person, name: str) -> None:
    """Wait until an input is uploaded."""
    tile = person.form.get_by_role("listitem").filter(has_text=name)
    expect(tile.get_by_role("button", name=f"Remove {name}")).to_be_visible()
    expect(tile.get_by_role("progressbar")).to_have_count(0)


def test_a_dropped_and_a_pasted_picture_become_inputs(
    site: System, enter: Enter, customer: NewCustomer, picture: str
) -> None:
    person = enter(customer, permissions=["clipboard-read", "clipboard-write"])

    # The first model takes no pictures, so the page offers one that does.
    person.prompt.evaluate(_DROP, ["harbour.png", picture])
    person.button("Use Nano Banana").click()
    is_sent(person, "harbour.png")
    person.page.evaluate(_COPY, picture)
    person.prompt.focus()
    person.page.keyboard.press("Control+V")
    is_sent(person, "image.png")

    ready(person.order(f"the same at night {site.behave()}"))
    (generation,) = site.http.get("/v1/generations", headers=customer.headers).raise_for_status().json()["data"]
    assert len(generation["inputs"]["image_urls"]) == 2


def test_a_file_that_no_model_takes_is_refused_before_the_upload(enter: Enter, customer: NewCustomer) -> None:
    person = enter(customer)
    person.choose_model("Nano Banana, edit")
    person.form.get_by_label("Input files").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"words"}
    )
    expect(person.form.get_by_role("listitem").filter(has_text="notes.txt")).to_contain_text("The model takes")
