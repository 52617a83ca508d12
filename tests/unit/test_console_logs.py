from schemas.console_logs import shortened


def test_stranger_cannot_send_control_characters_to_a_terminal() -> None:
    line = shortened(
        None, "info", {"event": "request\x07", "level": "info", "path": "/a\x1b[2J\n\u202eb", "status": 404}
    )

    assert line == {"event": r"request\x07", "path": r"/a\x1b[2J\n\u202eb", "status": 404}


def test_frames_of_a_traceback_keep_their_lines() -> None:
    line = shortened(None, "error", {"event": "request_failed", "frames": "one\ntwo\n"})

    assert line["frames"] == "one\ntwo\n"
