#include <gtest/gtest.h>
#include <ingot/entity_id.h>
#include <ingot/ids.h>

#include <string>

namespace ingot {
namespace {

TEST(EntityIdTest, TheNameIsInLowerCaseAndTheKeyAsItIs) {
  const EntityId id("Account", "Bob@Home");
  EXPECT_EQ(id.name, "account");
  EXPECT_EQ(id.key, "Bob@Home");
  EXPECT_EQ(to_string(id), "@account@Bob@Home");
  EXPECT_EQ(id, EntityId("ACCOUNT", "Bob@Home"));
  EXPECT_NE(id, EntityId("account", "bob@home"));
}

TEST(EntityIdTest, TextsComeBack) {
  for (const EntityId& id : {EntityId("a", "b"), EntityId("counter", ""), EntityId("n", "@"),
                             EntityId("\xC3\xA4", "key \xE2\x82\xAC"), EntityId("a b", "c@d@e")}) {
    const std::string text = to_string(id);
    EXPECT_TRUE(is_entity_id(text)) << text;
    EXPECT_TRUE(validate_entity_id(id).ok()) << text;
    const auto parsed = parse_entity_id(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status().to_string();
    EXPECT_EQ(*parsed, id);
  }
  const auto upper = parse_entity_id("@Counter@Key");
  ASSERT_TRUE(upper.ok());
  EXPECT_EQ(to_string(*upper), "@counter@Key");
}

TEST(EntityIdTest, OtherTextsAreRefused) {
  const std::string too_long = "@n@" + std::string(kInstanceIdBytesMax, 'k');
  for (const std::string& text :
       {std::string(), std::string("@"), std::string("@@"), std::string("@@key"),
        std::string("@name"), std::string("name@key"), std::string("an instance"),
        std::string("@n@line\nbreak"), std::string("@n@\xFF"), too_long}) {
    EXPECT_FALSE(is_entity_id(text)) << text;
    EXPECT_EQ(parse_entity_id(text).status().code(), StatusCode::invalid_argument) << text;
  }
  EXPECT_EQ(parse_entity_id("plain").status().message(),
            "the entity id \"plain\" is not of the form @name@key");
}

TEST(EntityIdTest, PartsThatMakeNoIdAreRefused) {
  EXPECT_FALSE(validate_entity_id(EntityId()).ok());
  EXPECT_FALSE(validate_entity_id(EntityId("", "key")).ok());
  EXPECT_FALSE(validate_entity_id(EntityId("a@b", "key")).ok());
  EXPECT_FALSE(validate_entity_id(EntityId("n", std::string(kInstanceIdBytesMax, 'k'))).ok());
  EXPECT_FALSE(validate_entity_id(EntityId("n", "a\tb")).ok());
  EXPECT_TRUE(validate_entity_id(EntityId("n", std::string(kInstanceIdBytesMax - 3, 'k'))).ok());
}

}  // namespace
}  // namespace ingot
