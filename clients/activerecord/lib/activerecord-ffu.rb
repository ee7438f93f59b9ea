# File columns of ffu for Active Record.
#
#   class Post < ApplicationRecord
#     has_ffu :photo
#     has_many_ffu :pictures
#   end
#
# A file that is assigned is sent by the save, in the transaction of the row.  Nothing here opens a file or
# writes one: bytes come from what responds to read, as an upload of a form or a StringIO.

require "active_record"

module Ffu
  PIECE = 1024 * 1024
  FACTS = %w[file_name mime_type ext size sha256].freeze
  POLICY = { allowed_extensions: "text[]", allowed_mime_types: "text[]", max_size: "text", path_template: "text",
             content_check: "text", private: "boolean", required: "boolean", table_name: "name" }.freeze

  # What ffu says of a refused file: column, constraint, and a message for people.
  Refusal = Struct.new(:column, :constraint, :message)

  # The Refusal of an error by which ffu refused a file; nil for any other error.
  def self.refusal(error)
    result = error.cause.result if error.cause.is_a?(PG::Error)
    constraint = result&.error_field(PG::Result::PG_DIAG_CONSTRAINT_NAME)
    return unless constraint&.start_with?("ffu_")
    Refusal.new(result.error_field(PG::Result::PG_DIAG_COLUMN_NAME), constraint, result.error_field(PG::Result::PG_DIAG_MESSAGE_PRIMARY))
  end

  # A file that was assigned, and is sent by the next save.
  class Pending
    attr_reader :source

    def initialize(source)
      @source = source
    end

    def name
      name = [:original_filename, :path].filter_map { |way| source.try(way) }.first
      name && File.basename(name.to_s)
    end

    # Sends the file, in pieces, in the transaction of a connection; returns the upload to assign.
    def send_to(connection)
      source.rewind if source.respond_to?(:rewind)
      piece = source.read(PIECE) || ""
      following = source.read(PIECE)
      return ask(connection, "ffu.file($1, $2)", name, binary(piece)) unless following
      upload = ask(connection, "ffu.upload_begin($1)", name)
      while piece
        ask(connection, "ffu.upload_append($1, $2)", upload, binary(piece))
        piece, following = following, source.read(PIECE)
      end
      upload
    end

    private

    def binary(bytes)
      { value: bytes, type: 17, format: 1 }
    end

    def ask(connection, expression, *values)
      connection.raw_connection.exec_params("SELECT #{expression}", values).getvalue(0, 0)
    end
  end

  # The type of a file column: reads as the path, and takes files.
  class Column < ActiveModel::Type::Value
    def cast(value)
      value.respond_to?(:read) ? Pending.new(value) : value.presence
    end

    def deserialize(value)
      value
    end

    def changed_in_place?(*)
      false
    end
  end

  # What has_ffu adds to a model.
  module Model
    def save(**options, &block)
      ffu_try { super } || false
    end

    def save!(**options, &block)
      ffu_try { super } || raise(ActiveRecord::RecordInvalid, self)
    end

    private

    # Runs a save in a savepoint.  A refused file becomes an error of its attribute.
    def ffu_try(&save)
      assigned = self.class.ffu_columns.to_h { |name| [name, self[name]] }.select { |_, value| value.is_a?(Pending) }
      return save.call if assigned.empty?
      self.class.transaction(requires_new: true, &save)
    rescue ActiveRecord::StatementInvalid, PG::Error => error
      assigned&.each { |name, file| self[name] = file.source }
      refused = Ffu.refusal(error.is_a?(PG::Error) ? Wrapped.new(error) : error)
      raise unless refused
      errors.add(refused.column, refused.message)
      false
    end

    Wrapped = Struct.new(:cause)

    def ffu_send
      @ffu_sent = self.class.ffu_columns.select { |name| will_save_change_to_attribute?(name) }
      @ffu_sent.each { |name| self[name] = self[name].send_to(self.class.connection) if self[name].is_a?(Pending) }
    end

    # Reads back what became of the files that were sent.
    def ffu_read_back
      names = @ffu_sent.flat_map { |name| [name, *FACTS.map { |fact| "#{name}__#{fact}" }.select { |fact| has_attribute?(fact) }] }
      return if names.empty?
      found = self.class.unscoped.where(self.class.primary_key => id).pick(*names)
      names.zip(Array.wrap(found)) do |name, value|
        self[name] = value
        clear_attribute_change(name)
      end
    end
  end

  module Declaration
    # Makes an attribute a file column: takes files, and has <name>_url.  The column is of add_ffu_column.
    def has_ffu(*names)
      unless respond_to?(:ffu_columns)
        class_attribute :ffu_columns, default: [], instance_accessor: false
        prepend Model
        before_save :ffu_send
        after_save :ffu_read_back
      end
      self.ffu_columns += names.map(&:to_s)
      names.each { |name| ffu_define(name.to_s) }
    end

    # Lets a row have any number of files, in an order: records of the table of add_ffu_attachments.
    def has_many_ffu(name, table_name: nil, foreign_key: "parent_id")
      parent = self
      attachment = Class.new(ActiveRecord::Base) do
        define_singleton_method(:table_name) { table_name || "#{parent.table_name}_#{name}" }
        has_ffu :file
      end
      const_set(name.to_s.classify, attachment)
      has_many name, -> { order(:position, :id) }, class_name: "::#{self.name}::#{name.to_s.classify}", foreign_key: foreign_key,
               dependent: :delete_all do
        def attach(*files)
          files.flatten.map { |file| create!(file: file) }
        end
      end
    end

    private

    def ffu_define(name)
      attribute name, Column.new
      define_method("#{name}_url") do
        has_attribute?("#{name}_url") ? self["#{name}_url"] : self.class.connection.select_value("SELECT ffu.url(#{self.class.connection.quote(self[name])})")
      end
      # The URLs of many rows in their own query.
      scope "with_#{name}_url", -> { select(arel_table[Arel.star], "ffu.url(#{quoted_table_name}.#{connection.quote_column_name(name)}) AS #{connection.quote_column_name("#{name}_url")}") }
    end
  end

  # For migrations.  remove_column takes a file column away, and drop_table attachments.
  module Statements
    def add_ffu_column(table, name, **policy)
      ffu_declare("add_column", table, name, policy)
    end

    def add_ffu_attachments(table, name, **policy)
      ffu_declare("add_attachments", table, name, policy)
    end

    private

    def ffu_declare(function, table, name, policy)
      given = policy.map do |key, value|
        kind = POLICY.fetch(key) { raise ArgumentError, "#{key} is no part of a policy; known are #{POLICY.keys.join(", ")}" }
        ", #{key} => #{value.is_a?(Array) ? "ARRAY[#{value.map { |each| quote(each) }.join(", ")}]" : quote(value.to_s)}::#{kind}"
      end
      execute("SELECT ffu.#{function}(#{quote(quote_table_name(table))}, #{quote(name.to_s)}#{given.join})")
    end
  end

  module Recorder
    %w[add_ffu_column add_ffu_attachments].each do |command|
      define_method(command) { |*args, &block| record(command.to_sym, args, &block) }
      ruby2_keywords(command)
    end

    def invert_add_ffu_column(args)
      [:remove_column, args.first(2)]
    end

    def invert_add_ffu_attachments(args)
      [:drop_table, [args.last.is_a?(Hash) && args.last[:table_name] || "#{args[0]}_#{args[1]}"]]
    end
  end

  # schema.rb has neither triggers nor the type of a file column.
  module Dumper
    def dump(*)
      connection = @connection
      if connection.select_value("SELECT to_regclass('ffu.columns')::text") && (column = connection.select_rows("SELECT relation, column_name FROM ffu.columns LIMIT 1").first)
        raise "schema.rb cannot have the file column #{column.join(".")}: a text column would store files as text. " \
              "Set config.active_record.schema_format = :sql"
      end
      super
    end
  end
end

# Within Rails, Active Record is loaded later than this file.
ActiveSupport.on_load(:active_record) do
  require "active_record/connection_adapters/postgresql_adapter"
  extend Ffu::Declaration
  ActiveRecord::ConnectionAdapters::PostgreSQLAdapter.include(Ffu::Statements)
  ActiveRecord::Migration::CommandRecorder.include(Ffu::Recorder)
  ActiveRecord::SchemaDumper.prepend(Ffu::Dumper)
end
