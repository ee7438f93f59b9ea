"""What a user is told when something cannot be done."""

import re

from flask import render_template, request
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from .models import db

# ffu refuses a file as the database refuses a row: with the name of a constraint.
REFUSALS = {
    "ffu_max_size": (413, "This file is too large."),
    "ffu_allowed_extensions": (415, "Files of this kind cannot be stored here."),
    "ffu_allowed_mime_types": (415, "Files of this kind cannot be stored here."),
    "ffu_content": (415, "This file is not what its name says."),
    "ffu_file": (409, "This file has been replaced or deleted meanwhile."),
}


class Refused(Exception):
    """A form that was not accepted: the field, the reason in words, and the HTTP status."""

    def __init__(self, field, reason, status):
        super().__init__(reason)
        self.field, self.reason, self.status = field, reason, status


def human_size(count):
    """9106 as 8.9 kB."""
    unit = 0
    while count >= 1024 and unit < 3:
        count, unit = count / 1024, unit + 1
    return f"{count:.{0 if unit == 0 or count >= 100 else 1}f}".removesuffix(".0") + (" bytes", " kB", " MB", " GB")[unit]


def refused(error, field):
    """The refusal in an error of the database, or None if it is another kind of error."""
    diag = getattr(error.orig, "diag", None)
    if diag is None or diag.constraint_name not in REFUSALS:
        return None
    status, reason = REFUSALS[diag.constraint_name]
    detail = diag.message_detail or ""
    if diag.constraint_name == "ffu_max_size":      # the limit is the last number
        detail = f"At most {human_size(int(re.findall('[0-9]+', detail)[-1]))} are allowed."
    return Refused(diag.column_name or field, f"{reason} {detail}".strip(), status)


def page(status, title, text):
    return render_template("error.html", status=status, title=title, text=text), status


def init_app(app):
    app.add_template_filter(human_size)

    @app.errorhandler(HTTPException)
    def http(error):
        if error.code == 404:
            return page(404, "There is nothing here", "The page you asked for does not exist, or does no longer.")
        if error.code == 413:
            limit = app.config["MAX_CONTENT_LENGTH"] // 1024 ** 2
            return page(413, "That is too much", f"All files of a form together may have at most {limit} MB.")
        return page(error.code, error.name, error.description)

    @app.errorhandler(Refused)
    def refusal(error):
        return page(error.status, "This was not accepted", error.reason)

    @app.errorhandler(DBAPIError)
    def database(error):
        app.logger.error("%s: %s", request.path, error.orig)
        db.session.rollback()
        # 53: the disk is full. 55: the folder cannot be used. 58: input or output failed. 08 and none: no server.
        if (error.orig.pgcode or "08")[:2] in ("08", "53", "55", "57", "58"):
            return page(503, "Not just now", "The blog cannot store or find anything at the moment. Nothing was changed.")
        return page(500, "Something went wrong", "Nothing was changed. It has been noted in the log.")
