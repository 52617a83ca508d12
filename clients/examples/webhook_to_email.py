"""Turns each webhook of Reelworks into an e-mail to the address in the order's metadata."""

import os
import smtplib
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from reelworks_client import InvalidWebhook, Notification, verify


def send(notification: Notification) -> None:
    """Send the e-mail. After an error, Reelworks sends the webhook again."""
    generation = notification.data
    email = EmailMessage()
    email["From"], email["To"] = os.environ["MAIL_FROM"], generation["metadata"]["email"]
    email["Subject"] = f"Your {generation['kind']} is {generation['status']}"
    # A webhook may come twice. Mail programs show one e-mail with this id.
    email["Message-ID"] = f"<{notification.id}@reelworks.example>"
    email.set_content(f"{generation['model']} made {generation['generation_id']}: {generation['status']}.")
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as server:
        server.send_message(email)


class Receiver(BaseHTTPRequestHandler):
    """Takes webhooks."""

    def do_POST(self) -> None:
        """Verify a webhook and send its e-mail."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            send(verify(body, dict(self.headers.items()), os.environ["WEBHOOK_SECRET"]))
        except InvalidWebhook as error:
            self.send_error(400, str(error))
        else:
            self.send_response(204)
            self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Receiver).serve_forever()
