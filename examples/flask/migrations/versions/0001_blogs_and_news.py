"""Blogs and news, with their file columns"""

import sqlalchemy as sa
from alembic import op

from sqlalchemy_ffu import file_columns

revision = "0001"
down_revision = None

pictures = "{jpg,jpeg,png,gif,webp}"
videos = "{mp4,m4v,mov,webm}"


def manage(table, column, extensions, size):
    """Makes a file column of a column, with what it takes: the one thing that autogenerate does not write."""
    op.execute(f"SELECT ffu.manage_column('{table}', '{column}', '{extensions}', max_size => '{size}')")


def upgrade():
    op.create_table(
        "blogs",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        *file_columns("my_placeholder").values(),
        *file_columns("my_video").values())
    op.create_table(
        "news",
        sa.Column("news_id", sa.Integer(), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("blog_id", sa.Integer(), sa.ForeignKey("blogs.id", ondelete="CASCADE"), nullable=False, index=True),
        *file_columns("news_image").values(),
        *file_columns("news_video").values())
    manage("blogs", "my_placeholder", pictures, "5 MB")
    manage("blogs", "my_video", videos, "200 MB")
    manage("news", "news_image", pictures, "5 MB")
    manage("news", "news_video", videos, "200 MB")


def downgrade():
    # and the files go with their tables
    op.drop_table("news")
    op.drop_table("blogs")
