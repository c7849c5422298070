#pragma once

// HistoryStream: a StreamInstanceHistory call: an instance's history in messages of bounded size.

#include <grpcpp/support/server_callback.h>
#include <ingot/history_event.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tools/ingotd/grpc/convert_history.h"
#include "tools/ingotd/grpc/service_core.h"

namespace ingot::server {

class HistoryStream final : public grpc::ServerWriteReactor<::HistoryChunk>,
                            public std::enable_shared_from_this<HistoryStream> {
 public:
  explicit HistoryStream(ServiceCore& core) : core_(core) {}
  static std::shared_ptr<HistoryStream> make(ServiceCore& core);

  void start(const HubPtr& hub, const std::string& instance_id);
  void end(const grpc::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override {}  // a write under way fails
  void OnDone() override;

 private:
  void answer(Result<std::vector<HistoryEvent>> history);
  void write_next();

  ServiceCore& core_;
  std::shared_ptr<HistoryStream> self_;  // until OnDone()
  std::vector<HistoryEvent> history_;
  std::size_t written_ = 0;
  HistoryWriter writer_;
  ::HistoryChunk chunk_;
};

}  // namespace ingot::server
