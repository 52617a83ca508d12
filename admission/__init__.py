"""Admission: which queued generation may go to which provider account, and when."""
