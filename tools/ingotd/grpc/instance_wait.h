#pragma once

// InstanceWait: a WaitForInstanceStart or WaitForInstanceCompletion call. It costs no thread; it
// ends with the instance's state, when the client leaves, or when the server stops.

#include <grpcpp/support/server_callback.h>
#include <orchestrator_service.pb.h>

#include <memory>
#include <mutex>
#include <string>

#include "tools/ingotd/grpc/service_core.h"

namespace ingot::server {

class InstanceWait final : public grpc::ServerUnaryReactor,
                           public std::enable_shared_from_this<InstanceWait> {
 public:
  enum class For : std::uint8_t { start, completion };

  InstanceWait(ServiceCore& core, const ::GetInstanceRequest& request,
               ::GetInstanceResponse* response);
  static std::shared_ptr<InstanceWait> make(ServiceCore& core, const ::GetInstanceRequest& request,
                                            ::GetInstanceResponse* response);

  void start(HubPtr hub, For what);
  // The wait ends with `status`, unless it has ended.
  void end(const grpc::Status& status);

  void OnCancel() override;
  void OnDone() override;

 private:
  void answer(const Result<InstanceState>& state);

  ServiceCore& core_;
  const std::string instance_id_;
  const bool payloads_;
  ::GetInstanceResponse* const response_;
  std::shared_ptr<InstanceWait> self_;  // until OnDone()

  std::mutex mutex_;
  HubPtr hub_;
  std::uint64_t wait_ = 0;
  bool finished_ = false;
};

}  // namespace ingot::server
