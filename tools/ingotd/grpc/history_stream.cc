#include "tools/ingotd/grpc/history_stream.h"

#include <utility>

#include "tools/ingotd/grpc/grpc_status.h"

namespace ingot::server {
namespace {

// Clients take at least 4 MiB.
constexpr std::size_t kChunkBytes = 1U << 20;
constexpr std::size_t kChunkEvents = 4096;

}  // namespace

std::shared_ptr<HistoryStream> HistoryStream::make(ServiceCore& core) {
  auto stream = std::make_shared<HistoryStream>(core);
  stream->self_ = stream;
  return stream;
}

void HistoryStream::start(const HubPtr& hub, const std::string& instance_id) {
  hub->client().get_history_async(
      instance_id, [stream = shared_from_this()](Result<std::vector<HistoryEvent>> history) {
        stream->core_.answers.post([stream, history = std::move(history)]() mutable {
          stream->answer(std::move(history));
        });
      });
}

void HistoryStream::answer(Result<std::vector<HistoryEvent>> history) {
  if (!history.ok()) return end(to_grpc(history.status()));
  history_ = *std::move(history);
  write_next();
}

void HistoryStream::write_next() {
  if (written_ == history_.size()) return end(grpc::Status::OK);
  chunk_.Clear();
  std::size_t bytes = 0;
  while (written_ < history_.size() && bytes < kChunkBytes &&
         static_cast<std::size_t>(chunk_.events_size()) < kChunkEvents) {
    const HistoryEvent& event = history_[written_++];
    // Some SDKs refuse it, and no work item has it.
    if (event.kind == HistoryEventKind::continue_as_new) continue;
    ::HistoryEvent* out = chunk_.add_events();
    writer_.write(event, out);
    bytes += out->ByteSizeLong();
  }
  StartWrite(&chunk_);
}

void HistoryStream::OnWriteDone(bool ok) {
  if (!ok) return end({grpc::StatusCode::CANCELLED, "the client has left"});
  write_next();
}

void HistoryStream::end(const grpc::Status& status) { Finish(status); }

void HistoryStream::OnDone() { const auto last = std::move(self_); }

}  // namespace ingot::server
