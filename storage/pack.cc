#include "storage/pack.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <new>

#include "core/codec.h"

namespace ingot::storage {
namespace {

// A zstd block holds 128 KiB at most and takes 4 bytes at least (RFC 8878, 3.1.1.2).
constexpr std::uint64_t kExpansionMax = (128U << 10) / 4;

struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

struct PackBuilder::Compressor {
  explicit Compressor(int level) : context(ZSTD_createCCtx()) {
    if (context == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  }
  ~Compressor() { ZSTD_freeCCtx(context); }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  ZSTD_CCtx* context;
};

PackBuilder::PackBuilder(int compression_level)
    : compressor_(std::make_unique<Compressor>(compression_level)) {}
PackBuilder::~PackBuilder() = default;
PackBuilder::PackBuilder(PackBuilder&&) noexcept = default;
PackBuilder& PackBuilder::operator=(PackBuilder&&) noexcept = default;

std::uint64_t PackBuilder::add(std::string_view id, std::string_view record,
                               std::uint64_t skipped) {
  const std::uint64_t offset = raw_.size();
  put_varint(raw_, skipped);
  put_bytes(raw_, id);
  put_bytes(raw_, record);
  ++records_;
  return offset;
}

void PackBuilder::clear() {
  raw_.clear();
  records_ = 0;
}

Result<std::string_view> PackBuilder::finish() {
  packed_.clear();
  put_varint(packed_, raw_.size());
  put_varint(packed_, records_);
  const std::size_t head = packed_.size();
  packed_.resize(head + ZSTD_compressBound(raw_.size()));
  const std::size_t size = ZSTD_compress2(compressor_->context, packed_.data() + head,
                                          packed_.size() - head, raw_.data(), raw_.size());
  if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) throw std::bad_alloc();
  if (ZSTD_isError(size) != 0) {
    return Status(StatusCode::internal, std::string("zstd: ") + ZSTD_getErrorName(size));
  }
  packed_.resize(head + size);
  clear();
  return std::string_view(packed_);
}

std::optional<PackHead> parse_pack_head(std::string_view pack, std::string_view& rest) {
  Reader reader(pack);
  PackHead head;
  head.bytes = reader.varint();
  head.records = reader.varint();
  if (!reader.ok() || head.bytes > kPackBytesMax || head.records > head.bytes) return std::nullopt;
  rest = {reader.at(), reader.remaining()};
  return head;
}

std::optional<std::string> unpack(std::string_view pack) {
  std::string_view frame;
  const auto head = parse_pack_head(pack, frame);
  if (!head) return std::nullopt;
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context(ZSTD_createDCtx());
  // Too little memory must never look like damage.
  if (context == nullptr) throw std::bad_alloc();
  // The head alone must not make us take a gigabyte.
  if (ZSTD_getFrameContentSize(frame.data(), frame.size()) != head->bytes) return std::nullopt;
  if (head->bytes > frame.size() * kExpansionMax) return std::nullopt;
  std::string bytes(head->bytes, '\0');
  const std::size_t size =
      ZSTD_decompressDCtx(context.get(), bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) != 0 || size != bytes.size()) return std::nullopt;
  return bytes;
}

std::optional<PackRecord> record_at(std::string_view unpacked, std::uint64_t offset) {
  if (offset >= unpacked.size()) return std::nullopt;
  Reader reader(unpacked.substr(offset));
  PackRecord record;
  record.skipped = reader.varint();
  record.id = reader.bytes();
  record.record = reader.bytes();
  // Each of those left out took a byte at least.
  if (!reader.ok() || record.skipped > kPackBytesMax) return std::nullopt;
  record.end = unpacked.size() - reader.remaining();
  return record;
}

std::string DeadList::encode() const {
  std::string out;
  put_varint(out, records);
  put_varint(out, offsets.size());
  std::uint64_t before = 0;
  for (const std::uint64_t offset : offsets) {
    put_varint(out, offset - before);
    before = offset;
  }
  return out;
}

std::optional<DeadList> DeadList::parse(std::string_view bytes) {
  Reader reader(bytes);
  DeadList list;
  list.records = reader.varint();
  const std::uint64_t dead = reader.varint();
  if (!reader.ok() || dead > list.records || dead > reader.remaining()) return std::nullopt;
  list.offsets.reserve(dead);
  std::uint64_t offset = 0;
  for (std::uint64_t i = 0; i < dead; ++i) {
    const std::uint64_t step = reader.varint();
    if (step > kPackBytesMax || (i > 0 && step == 0)) return std::nullopt;
    offset += step;
    list.offsets.push_back(offset);
  }
  if (!reader.finished()) return std::nullopt;
  return list;
}

std::optional<DeadHead> parse_dead_head(std::string_view bytes) {
  Reader reader(bytes);
  DeadHead head;
  head.records = reader.varint();
  head.dead = reader.varint();
  if (!reader.ok() || head.dead > head.records) return std::nullopt;
  return head;
}

}  // namespace ingot::storage
