#pragma once

// Views: instances, history events and entities as the JSON of the HTTP side. Names follow the
// management API of Durable Functions where that has one.

#include <ingot/instance.h>

#include "tools/ingotd/http/json_writer.h"

namespace ingot::server {

struct InstanceView {
  bool input = true;
  bool output = true;  // and custom status
  PayloadForm form = PayloadForm::json;
};

// Writes the members of an instance, without the braces around them.
void write_instance(JsonWriter& json, const InstanceState& state, const InstanceView& view);
void write_failure(JsonWriter& json, const FailureDetails& failure);
// `payloads`: with inputs, results and data.
void write_event(JsonWriter& json, const HistoryEvent& event, bool payloads, PayloadForm form);
void write_entity(JsonWriter& json, const EntityState& entity, PayloadForm form);

}  // namespace ingot::server
