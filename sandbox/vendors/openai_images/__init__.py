"""OpenAI's wire for pictures, under `/openai_images`."""

from sandbox.openai_errors import OpenAIError, answer_openai_error
from sandbox.vendor import Vendor
from sandbox.vendors.openai_images.account import OpenAIImagesAccount
from sandbox.vendors.openai_images.routes import router

VENDOR = Vendor(router=router, account=OpenAIImagesAccount, error=OpenAIError, answer_error=answer_openai_error)
