# Tests activerecord-ffu with Active Record itself: models.rb SOCKET FOLDER

$LOAD_PATH.unshift File.join(__dir__, "../lib")
require "stringio"
require "activerecord-ffu"

ActiveRecord::Base.establish_connection(adapter: "postgresql", host: ARGV[0], database: "models", username: "postgres", min_messages: "warning")
FOLDER = ARGV[1]
PNG = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6".b
$tests = 0

def ok(good, label, *why)
  puts "#{good ? "ok" : "not ok"} #{$tests += 1} - #{label}"
  why.each { |line| puts "#   #{line}" } unless good
end

# A file as a form sends it.
class Sent < StringIO
  attr_accessor :original_filename
end

def sent(name, content)
  Sent.new(content).tap { |file| file.original_filename = name }
end

# The contents of the files. A snapshot of the worker may hold a removal up.
def files
  connection = ActiveRecord::Base.connection
  ends = Time.now + 60
  until connection.transaction_open? || connection.select_value("SELECT count(*) FROM ffu.deletion").zero? || Time.now > ends
    connection.execute("SELECT FROM ffu.sweep()")
    sleep 0.05
  end
  Dir.glob("#{FOLDER}/**/*").reject { |path| File.directory?(path) }.map { |path| File.binread(path) }.sort
end

class CreatePosts < ActiveRecord::Migration[6.1]
  def change
    create_table("odd posts") { |t| t.text :title }
    add_ffu_column "odd posts", :photo, allowed_extensions: %w[.JPG txt png pdf], max_size: "20 MB"
    add_ffu_attachments "odd posts", :pictures, allowed_extensions: %w[txt], table_name: "pictures"
  end
end

class Post < ActiveRecord::Base
  self.table_name = "odd posts"
  has_ffu :photo
  has_many_ffu :pictures, table_name: "pictures"
end

ActiveRecord::Migration.verbose = false
declared = "SELECT relation::text, column_name, array_to_string(allowed_extensions, ','), complete FROM ffu.columns ORDER BY 1"
%i[up down up].each { |way| CreatePosts.migrate(way) }
found = Post.connection.select_rows(declared)
ok(found == [["\"odd posts\"", "photo", "jpg,txt,png,pdf", true], ["pictures", "file", "txt", true]], "a migration declares columns and attachments, and goes back", found.inspect)

post = Post.create!(title: "one", photo: sent("Käse.txt", "a text\n"))
ok(files == ["a text\n"], "create! stores a file", files.inspect)
ok([post.photo__file_name, post.photo__size, post.photo__mime_type] == ["Käse.txt", 7, "text/plain"] && !post.changed?, "its facts are read back", post.attributes.inspect)
ok(post.photo_url.end_with?(post.photo) && Post.with_photo_url.first.photo_url == post.photo_url, "a URL, alone and in a query", post.photo_url)
path = post.photo
post.update!(title: "two")
ok(post.reload.photo == path, "saving another attribute leaves the file")
stale = Post.first
large = PNG + "x" * 3_000_000
post.update!(photo: sent("large.png", large))
ok(files == [large] && post.photo__size == large.bytesize, "a large file replaces it, in pieces")
stale.update!(title: "stale")
ok(Post.first.photo == post.photo, "a stale save leaves the file")
[["a.exe", "ffu_allowed_extensions"], ["a.pdf", "ffu_content"]].each do |name, constraint|
  post.photo = sent(name, PNG)
  ok(!post.save && post.errors[:photo].size == 1 && files == [large], "refused: #{constraint} is an error of the attribute", post.errors.full_messages.inspect)
end
post.photo = sent("b.txt", "b")
ok(post.save && files == ["b"] && post.photo__file_name == "b.txt", "the record can be saved then", files.inspect)
begin
  post.update!(photo: sent("a.exe", "x"))
rescue ActiveRecord::RecordInvalid => error
end
ok(error && error.record.errors[:photo].any?, "save! raises RecordInvalid")
post.reload
Post.transaction do
  post.update!(photo: sent("c.txt", "c"))
  ok(!Post.new(photo: sent("a.exe", "x")).save && Post.count == 1, "a refused file within a transaction leaves the transaction")
  raise ActiveRecord::Rollback
end
ok(files == ["b"], "a rollback leaves the old file", files.inspect)
post.reload.update!(photo: nil)
ok(files == [] && post.photo_url.nil?, "nil removes it")

post.pictures.attach(sent("a.txt", "1"), sent("b.txt", "2"))
ok(files == %w[1 2] && post.pictures.reload.map(&:file__file_name) == %w[a.txt b.txt], "attachments are stored, in order", files.inspect)
ok(post.pictures.first.file_url.end_with?(post.pictures.first.file), "each with its URL")
ok(post.pictures.build(file: sent("a.exe", "x")).save == false, "a refused attachment is an error")
post.pictures.reload.first.destroy!
ok(files == %w[2], "one goes by itself")
post.destroy!
ok(files == [], "and all go with their record", files.inspect)
begin
  # Takes a pool since 7.2.
  source = ActiveRecord.gem_version < Gem::Version.new("7.2") ? Post.connection : Post.connection_pool
  ActiveRecord::SchemaDumper.dump(source, StringIO.new)
rescue RuntimeError => error
end
ok(error.message.include?("schema_format = :sql"), "schema.rb is refused", error.message)
begin
  Post.where(photo: sent("a.txt", "x")).to_a
rescue TypeError => error
end
ok(error.is_a?(TypeError), "a query takes no file")
puts "# Active Record #{ActiveRecord.version}", "1..#{$tests}"
