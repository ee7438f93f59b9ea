#!/usr/bin/python3
"""Tests activerecord-ffu with Active Record itself, and db:test:prepare of Rails.

    run.py
"""

import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../../test/oracle"))

import psycopg2
import server as servers
import tap
from tap import ok

RAKEFILE = '''
require "rails"
require "active_record/railtie"
$LOAD_PATH.unshift "LIB"
require "activerecord-ffu"

class Blog < Rails::Application
  config.root = __dir__
  config.eager_load = false
  config.active_record.schema_format = :sql
  config.logger = Logger.new(nil)
end
Rails.application.load_tasks

task store: :environment do
  require "stringio"
  class Post < ActiveRecord::Base
    has_ffu :photo
  end
  puts Post.create!(photo: StringIO.new("a text")).photo__size
end
'''

DATABASE = '''
default: &default
  adapter: postgresql
  host: HOST
  username: web
  template: blog_template
development: {<<: *default, database: blog}
test: {<<: *default, database: blog_test}
'''

MIGRATION = '''
class CreatePosts < ActiveRecord::Migration[6.1]
  def change
    create_table(:posts) { |t| t.text :title }
    add_ffu_column :posts, :photo, allowed_extensions: %w[txt]
  end
end
'''

class Setting:
    def __init__(self, work):
        self.work = work
        self.parent = os.path.join(work, "databases")
        os.mkdir(self.parent, 0o750)
        self.server = servers.Server(os.path.join(work, "server"), "autovacuum = off\nfsync = off\nshared_preload_libraries = 'ffu'\n"
                                     f"ffu.naptime = 1\nffu.folder_grace = 0\nffu.folder_parent = '{self.parent}'")
        os.mkdir(self.server.work)
        self.server.init()
        self.server.start()

    def run(self, database, *statements):
        connection = psycopg2.connect(host=self.server.socket, user="postgres", dbname=database)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else None
        connection.close()
        return rows

    def folder(self, database):
        return self.run(database, "SELECT folder FROM ffu.status")[0][0]


def try_models(setting):
    setting.run("postgres", "CREATE DATABASE models")
    # The first file makes the folder.
    setting.run("models", "CREATE EXTENSION ffu", "CREATE TABLE first (id int PRIMARY KEY)", "SELECT ffu.add_column('first', 'f')",
                "INSERT INTO first VALUES (1, ffu.file('a.txt', 'x'))", "DROP TABLE first")
    folder = setting.folder("models")
    said = subprocess.run(["/usr/bin/ruby", os.path.join(HERE, "models.rb"), setting.server.socket, folder],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in said.stdout.splitlines():
        state, _, label = line.partition(" - ")
        if state.startswith(("ok", "not ok")):
            ok(state.startswith("ok"), label, said.stdout if state.startswith("not") else "")
    ok(said.returncode == 0 and "\n1.." in said.stdout, "all of models.rb ran", said.stdout)
    ok(setting.run("models", "SELECT * FROM ffu.check()") == [], "and ffu.check finds nothing wrong")


def try_rails(setting):
    """db:test:prepare, as a role that is no superuser: each database gets its folder by itself."""
    directory = os.path.join(setting.work, "rails")
    for name, text in {"Rakefile": RAKEFILE.replace("LIB", os.path.join(HERE, "../lib")), "config/database.yml": DATABASE.replace("HOST", setting.server.socket),
                       "db/migrate/1_create_posts.rb": MIGRATION, "config/environment.rb": "Rails.application.initialize!\n"}.items():
        os.makedirs(os.path.dirname(os.path.join(directory, name)), exist_ok=True)
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(text)
    setting.run("postgres", "CREATE ROLE web LOGIN CREATEDB", "CREATE DATABASE blog_template IS_TEMPLATE true")
    setting.run("blog_template", "CREATE EXTENSION ffu", "SELECT ffu.grant_columns('web')", "GRANT CREATE ON SCHEMA public TO web")

    def run(*command, environment):
        said = subprocess.run(command, cwd=directory, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, "RAILS_ENV": environment, "PGOPTIONS": "-c client_min_messages=warning"})
        return said.returncode == 0, said.stdout

    for task in ("db:create", "db:migrate", "db:test:prepare", "db:test:prepare"):
        good, said = run("/usr/bin/rake", task, environment="development")
        ok(good, f"rails {task}", said)
    with open(directory + "/db/structure.sql", encoding="utf-8") as file:
        structure = file.read()
    ok("ffu.before_row" in structure and "CREATE SCHEMA ffu" not in structure, "structure.sql has the triggers", structure)
    good, said = run("/usr/bin/rake", "store", environment="test")
    ok(good and said.strip() == "6", "the test database stores files", said)
    folder = setting.folder("blog_test") or ""
    ok(folder.startswith(setting.parent), "in a folder of its own", folder)
    good, said = run("/usr/bin/rake", "db:test:purge", environment="test")
    ok(good, "rails db:test:purge", said)
    end = time.monotonic() + servers.PATIENCE
    while os.path.exists(folder) and time.monotonic() < end:
        time.sleep(0.05)
    ok(not os.path.exists(folder), "and the folder goes with the database")


def main():
    if not os.path.exists("/usr/bin/rake") or subprocess.run(["/usr/bin/ruby", "-e", "require 'active_record'; require 'rails'; require 'pg'"],
                                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        tap.skip_all("needs ruby-activerecord, ruby-railties, ruby-pg, rake (script/bootstrap clients)")
    work = servers.work_directory("activerecord")
    setting = None
    try:
        setting = Setting(work)
        try_models(setting)
        try_rails(setting)
    finally:
        if setting:
            setting.server.remove()
    tap.done()


if __name__ == "__main__":
    main()
