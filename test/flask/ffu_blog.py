"""A blog written for flask-file-upload, by what its documentation says.

test/flask/module.py runs it over flask_ffu, with the lines marked so replaced and no other.
"""

from flask import Flask, jsonify, request
from flask_file_upload import FileUpload                                        # the import
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://localhost/blog"           # the configuration
app.config["UPLOAD_FOLDER"] = "/srv/blog/static/uploads"
app.config["ALLOWED_EXTENSIONS"] = ["jpg", "png", "mp4", "PDF", "txt"]
app.config["MAX_CONTENT_LENGTH"] = 50 * 1000 * 1000

db = SQLAlchemy(app)
file_upload = FileUpload(app, db)


@file_upload.Model
class Blog(db.Model):
    __tablename__ = "blogs"

    id = db.Column(db.Integer, primary_key=True)
    my_placeholder = file_upload.Column()
    my_video = file_upload.Column()
    name = db.Column(db.String(100), nullable=False)
    news = db.relationship("News", backref="blog", order_by="News.news_id")


@file_upload.Model
class News(db.Model):
    __tablename__ = "news"

    news_id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(100))
    blog_id = db.Column(db.Integer, db.ForeignKey("blogs.id"))
    news_image = file_upload.Column()
    news_video = file_upload.Column()


def as_json(blog):
    return jsonify(
        id=blog.id, name=blog.name,
        my_video={"file_name": blog.my_video__file_name, "mime_type": blog.my_video__mime_type, "ext": blog.my_video__ext},
        my_placeholder={"file_name": blog.my_placeholder__file_name})


@app.route("/blogs", methods=["POST"])
def save_blog():
    blog = Blog(name=request.form["name"])
    return as_json(file_upload.save_files(blog, files={
        "my_video": request.files["my_video"],
        "my_placeholder": request.files["my_placeholder"],
    }))


@app.route("/blogs/<int:blog_id>/news", methods=["POST"])
def add_news(blog_id):
    news = News(title=request.form["title"], blog_id=blog_id)
    news = file_upload.add_files(news, files={"news_image": request.files["news_image"]})
    db.session.add(news)
    db.session.commit()
    return jsonify(news_id=news.news_id, file_name=news.news_image__file_name)


@app.route("/blogs/<int:blog_id>", methods=["PUT"])
def update_blog(blog_id):
    blog = db.session.get(Blog, blog_id)
    blog = file_upload.update_files(blog, files=dict(request.files))
    return as_json(blog)


@app.route("/blogs/<int:blog_id>/files", methods=["DELETE"])
def delete_blog_files(blog_id):
    blog = db.session.get(Blog, blog_id)
    options = {"clean_up": request.args["clean_up"]} if "clean_up" in request.args else {}
    if "parent" in request.args:
        options["parent"] = True
    return as_json(file_upload.delete_files(blog, files=request.args.getlist("name"), **options))


@app.route("/blogs/<int:blog_id>/<name>")
def stream_blog_file(blog_id, name):
    blog = db.session.get(Blog, blog_id)
    return file_upload.stream_file(blog, filename=name)


@app.route("/blogs/<int:blog_id>/<name>/url")
def blog_url(blog_id, name):
    blog = db.session.get(Blog, blog_id)
    return jsonify(url=file_upload.get_file_url(blog, filename=name))


@app.route("/blogs")
def list_blogs():
    blogs = db.session.query(Blog).order_by(Blog.id)
    blogs = file_upload.add_file_urls_to_models(
        blogs.all(),
        filenames=["my_video", "my_placeholder"],
        backref={"name": "news", "filenames": "news_image"})
    return jsonify([{
        "id": blog.id, "my_video_url": blog.my_video_url, "my_placeholder_url": blog.my_placeholder_url,
        "news": [news.news_image_url for news in blog.news],
    } for blog in blogs])
