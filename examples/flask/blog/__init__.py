"""A blog with videos and pictures: Flask, SQLAlchemy and ffu.

    export DATABASE_URL=postgresql://blog@localhost/blog
    flask --app blog db upgrade
    flask --app blog run
"""

import os
import secrets

from flask import Flask
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from . import errors, pages
from .models import db


def create_app():
    app = Flask(__name__)
    app.config.from_mapping(
        SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"],
        # Of the notes that are shown once ("Saved"). In production, one that stays.
        SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(),
        SESSION_COOKIE_SAMESITE="Lax",
        # Of a whole request. How large a file may be is said by its column.
        MAX_CONTENT_LENGTH=256 * 1024 * 1024)
    app.wsgi_app = ProxyFix(app.wsgi_app)       # nginx is in front
    db.init_app(app)
    Migrate(app, db, directory=os.path.join(os.path.dirname(app.root_path), "migrations"))
    pages.init_app(app)
    errors.init_app(app)
    return app
