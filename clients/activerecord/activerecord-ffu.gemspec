Gem::Specification.new do |gem|
  gem.name = "activerecord-ffu"
  gem.version = "0.1.0"
  gem.summary = "File columns of ffu for Active Record: files that follow their rows"
  gem.author = "the ffu authors"
  gem.license = "PostgreSQL"
  gem.files = ["lib/activerecord-ffu.rb", "README.md"]
  gem.required_ruby_version = ">= 2.7"
  gem.add_dependency "activerecord", ">= 6.1"
  gem.add_dependency "pg", ">= 1.2"
end
