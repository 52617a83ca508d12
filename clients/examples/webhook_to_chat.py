"""Turns each webhook of Reelworks into a message in a chat, by the chat's own incoming webhook."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from reelworks_client import InvalidWebhook, Notification, verify

told = set[str]()


def tell(notification: Notification) -> None:
    """Send the message once. After an error, Reelworks sends the webhook again."""
    if notification.id in told:
        return
    generation = notification.data
    text = f"{generation['kind']} by {generation['model']}: {generation['status']} ({generation['reference'] or '-'})"
    httpx.post(os.environ["CHAT_URL"], json={"text": text}, timeout=10).raise_for_status()
    told.add(notification.id)


class Receiver(BaseHTTPRequestHandler):
    """Takes webhooks."""

    def do_POST(self) -> None:
        """Verify a webhook and send its message."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            tell(verify(body, dict(self.headers.items()), os.environ["WEBHOOK_SECRET"]))
        except InvalidWebhook as error:
            self.send_error(400, str(error))
        else:
            self.send_response(204)
            self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Receiver).serve_forever()
