"""The tables. Their file columns are declared in migrations/, with what they may hold."""

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import func
from sqlalchemy.orm import column_property, declared_attr

from sqlalchemy_ffu import file_columns

db = SQLAlchemy()


def files(*names):
    """A mixin with file columns. Each has its URL as well, which the database computes in the same SELECT."""
    attributes = {}
    for name in names:
        attributes.update(file_columns(name))
        attributes[name + "_url"] = declared_attr(
            lambda cls, name=name: column_property(func.ffu.url(getattr(cls, name))))
    return type("Files", (), attributes)


class Blog(files("my_placeholder", "my_video"), db.Model):
    __tablename__ = "blogs"

    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.Text, nullable=False)
    body = db.Column(db.Text, nullable=False, server_default="")
    created = db.Column(db.DateTime(timezone=True), nullable=False, server_default=func.now())
    news = db.relationship("News", order_by="News.news_id", passive_deletes=True, backref="blog")


class News(files("news_image", "news_video"), db.Model):
    __tablename__ = "news"

    news_id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.Text, nullable=False)
    # The files of the news go with the blog, though nobody here deletes them.
    blog_id = db.Column(db.ForeignKey("blogs.id", ondelete="CASCADE"), nullable=False, index=True)
