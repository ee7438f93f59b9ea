require "stringio"
require "activerecord-ffu"

ActiveRecord::Base.establish_connection(adapter: "postgresql", host: ENV["PGHOST"], database: "postgres", username: "postgres", min_messages: "warning")
ActiveRecord::Migration.verbose = false
# MIGRATION
# MODEL
upload, wrong = StringIO.new("bytes of the file"), StringIO.new("x")
def upload.original_filename = "lake.txt"
def wrong.original_filename = "a.exe"
AddPhoto.migrate(:up)
params = { photo: upload }
# USE
size, url = blog.photo__size, blog.photo_url
# REFUSED
# TEST
puts [size, url[-4..], refused.include?('"exe"') || refused, Blog.count].join(" ")
AddPhoto.migrate(:down)
