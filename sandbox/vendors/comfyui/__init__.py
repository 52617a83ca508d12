"""A ComfyUI server, under `/comfyui`."""

from sandbox.vendor import Vendor
from sandbox.vendors.comfyui.account import ComfyAccount
from sandbox.vendors.comfyui.errors import ComfyError, answer_comfy_error
from sandbox.vendors.comfyui.routes import router

VENDOR = Vendor(
    router=router,
    account=ComfyAccount,
    error=ComfyError,
    answer_error=answer_comfy_error,
    options={"workflows": "examples"},
)
