#include <ingot/entity_id.h>
#include <ingot/ids.h>

namespace ingot {
namespace {

// Where the key's '@' is in "@name@key"; npos if `text` is not of that form.
std::size_t key_mark(std::string_view text) {
  if (text.empty() || text[0] != '@') return std::string_view::npos;
  const std::size_t mark = text.find('@', 1);
  return mark == 1 ? std::string_view::npos : mark;
}

Status invalid(std::string_view text, std::string_view why) {
  std::string message = "the entity id \"";
  message.append(text).append("\" ").append(why);
  return Status(StatusCode::invalid_argument, std::move(message));
}

}  // namespace

EntityId::EntityId(std::string_view entity_name, std::string_view entity_key)
    : name(entity_name), key(entity_key) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
}

std::string to_string(const EntityId& id) {
  std::string text;
  text.reserve(id.name.size() + id.key.size() + 2);
  text.append(1, '@').append(id.name).append(1, '@').append(id.key);
  return text;
}

Result<EntityId> parse_entity_id(std::string_view text) {
  const std::size_t mark = key_mark(text);
  if (mark == std::string_view::npos) return invalid(text, "is not of the form @name@key");
  if (Status status = validate_instance_id(text); !status.ok()) return status;
  return EntityId(text.substr(1, mark - 1), text.substr(mark + 1));
}

bool is_entity_id(std::string_view text) {
  return key_mark(text) != std::string_view::npos && validate_instance_id(text).ok();
}

Status validate_entity_id(const EntityId& id) {
  const std::string text = to_string(id);
  if (id.name.empty()) return invalid(text, "has an empty name");
  if (id.name.find('@') != std::string::npos) return invalid(text, "has an '@' in its name");
  return validate_instance_id(text);
}

}  // namespace ingot
