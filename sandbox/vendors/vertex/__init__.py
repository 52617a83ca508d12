"""Vertex AI's Veo, under `/vertex`."""

from sandbox.vendor import Vendor
from sandbox.vendors.vertex.account import PROJECT, VertexAccount
from sandbox.vendors.vertex.errors import VertexError, answer_vertex_error
from sandbox.vendors.vertex.routes import router

VENDOR = Vendor(
    router=router,
    account=VertexAccount,
    error=VertexError,
    answer_error=answer_vertex_error,
    options={"project": PROJECT, "storage_url": "{url}"},
)
