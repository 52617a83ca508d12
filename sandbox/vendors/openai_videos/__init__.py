"""OpenAI's videos wire, which other vendors still serve, under `/openai_videos`."""

from sandbox.openai_errors import OpenAIError, answer_openai_error
from sandbox.vendor import Vendor
from sandbox.vendors.openai_videos.account import OpenAIVideosAccount
from sandbox.vendors.openai_videos.routes import router

VENDOR = Vendor(router=router, account=OpenAIVideosAccount, error=OpenAIError, answer_error=answer_openai_error)
