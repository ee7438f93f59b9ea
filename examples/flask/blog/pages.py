"""The pages: a list, a blog with its news, and the forms."""

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import selectinload

from sqlalchemy_ffu import upload

from .errors import Refused, refused
from .models import Blog, News, db

pages = Blueprint("blog", __name__)


def found(model, key):
    return db.session.get(model, key) or abort(404)


def policy(model):
    """What the file columns of a table take, for the form: their row of ffu.columns by column name."""
    rows = db.session.execute(
        text("SELECT column_name, allowed_extensions, max_size FROM ffu.columns WHERE relation = CAST(:name AS regclass)"),
        {"name": model.__tablename__})
    return {row.column_name: row for row in rows}


def store(row, texts, files):
    """Writes what the form sent into a row and commits: all of it, or nothing and an error.

    A file field that was left empty changes nothing; the box beside it removes the file.
    """
    field, takes = None, policy(type(row))
    try:
        for field in texts:
            setattr(row, field, request.form.get(field, "").strip())
        if not row.title:
            raise Refused("title", "Please give it a title.", 422)
        for field in files:
            if file := request.files.get(field):
                setattr(row, field, upload(db.session, file, takes[field].max_size))
            elif request.form.get("remove_" + field):
                setattr(row, field, None)
        db.session.add(row)
        db.session.commit()
    except DBAPIError as error:
        raise refused(error, field) or error from error
    finally:
        db.session.rollback()       # does nothing after a commit


def form(template, row, texts, files, done, **context):
    """Shows a form, or takes it. A script that sends it is answered in JSON, a browser with a page."""
    if request.method == "GET":
        return render_template(template, row=row, policy=policy(type(row)), error=None, **context)
    scripted = request.accept_mimetypes.best == "application/json"
    try:
        store(row, texts, files)
    except Refused as error:
        if scripted:
            return jsonify(field=error.field, reason=error.reason), error.status
        return render_template(template, row=row, policy=policy(type(row)), error=error, **context), error.status
    flash("Saved.")
    return jsonify(location=done(row)) if scripted else redirect(done(row), 303)


@pages.get("/")
def index():
    blogs = db.session.scalars(
        select(Blog).options(selectinload(Blog.news)).order_by(Blog.created.desc(), Blog.id.desc())).all()
    return render_template("index.html", blogs=blogs)


@pages.get("/blogs.json")
def listing():
    """The same for programs: every blog with its URLs and those of its news."""
    def urls(row, *names):
        return {name + "_url": getattr(row, name + "_url") for name in names}
    blogs = db.session.scalars(select(Blog).options(selectinload(Blog.news)).order_by(Blog.id))
    return jsonify([{
        "id": blog.id, "title": blog.title, **urls(blog, "my_placeholder", "my_video"),
        "news": [{"news_id": news.news_id, "title": news.title, **urls(news, "news_image", "news_video")}
                 for news in blog.news]} for blog in blogs])


@pages.get("/blogs/<int:key>")
def show(key):
    return render_template("show.html", blog=found(Blog, key))


@pages.route("/blogs/new", methods=["GET", "POST"])
def create():
    return edit_blog(Blog())


@pages.route("/blogs/<int:key>/edit", methods=["GET", "POST"])
def edit(key):
    return edit_blog(found(Blog, key))


def edit_blog(blog):
    return form("blog_form.html", blog, ("title", "body"), ("my_video", "my_placeholder"),
                lambda blog: url_for("blog.show", key=blog.id))


@pages.route("/blogs/<int:key>/news", methods=["GET", "POST"])
def create_news(key):
    blog = found(Blog, key)
    return form("news_form.html", News(blog_id=key), ("title",), ("news_image", "news_video"),
                lambda news: url_for("blog.show", key=key, _anchor=f"news-{news.news_id}"), blog=blog)


@pages.post("/blogs/<int:key>/delete")
def delete(key):
    db.session.delete(found(Blog, key))
    db.session.commit()
    flash("Deleted, with its files and its news.")
    return redirect(url_for("blog.index"), 303)


@pages.post("/news/<int:key>/delete")
def delete_news(key):
    news = found(News, key)
    back = url_for("blog.show", key=news.blog_id)
    db.session.delete(news)
    db.session.commit()
    flash("Deleted.")
    return redirect(back, 303)


def init_app(app):
    app.register_blueprint(pages)

    @app.before_request
    def same_site():
        """A form on somebody else's site cannot write here."""
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            abort(403, "This form was sent from another site.")

    @app.after_request
    def headers(response):
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' blob:;"
            " media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return response
