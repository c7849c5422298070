// The routes of instances and entities, each over a real connection to a real hub.

#include "tests/ingotd/http_fixture.h"

namespace ingot::testing {
namespace {

using Json = nlohmann::json;

class HttpInstances : public HttpFixture {};

std::vector<std::string> ids_of(const Json& list) {
  std::vector<std::string> ids;
  for (const Json& one : list) ids.push_back(one["instanceId"].get<std::string>());
  return ids;
}

TEST_F(HttpInstances, StartedOneIsShownUntilItsEnd) {
  serve();
  const HttpAnswer started = post(kHub + "/orchestrators/approval", R"({"amount": 12})");
  ASSERT_EQ(started.status, 202) << started.body;
  const std::string id = started.json()["id"];
  EXPECT_EQ(started.field("location"), kHub + "/instances/" + id);
  EXPECT_EQ(started.json()["statusQueryGetUri"], kHub + "/instances/" + id);
  ASSERT_TRUE(reaches(id, RuntimeStatus::running));

  const HttpAnswer live = get(kHub + "/instances/" + id);
  EXPECT_EQ(live.status, 202);
  EXPECT_EQ(live.json()["runtimeStatus"], "Running");
  EXPECT_EQ(live.json()["name"], "approval");
  EXPECT_EQ(live.json()["input"], Json({{"amount", 12}}));
  EXPECT_EQ(live.json()["customStatus"]["step"], "waiting for approval");
  EXPECT_EQ(get(kHub + "/instances/" + id + "?alwaysOk=true").status, 200);
  EXPECT_FALSE(get(kHub + "/instances/" + id + "?showInput=false").json().contains("input"));

  EXPECT_EQ(post(kHub + "/instances/" + id + "/raiseEvent/approve", "true").status, 202);
  finish(id);
  const HttpAnswer ended = get(kHub + "/instances/" + id);
  EXPECT_EQ(ended.status, 200);
  EXPECT_EQ(ended.json()["runtimeStatus"], "Completed");
  EXPECT_EQ(ended.json()["output"], true);
  EXPECT_EQ(get(kHub + "/instances/" + id + "?payloads=text").json()["output"], "true");
  // What has ended takes no more.
  const HttpAnswer late = post(kHub + "/instances/" + id + "/raiseEvent/approve", "true");
  EXPECT_EQ(late.status, 410);
  EXPECT_EQ(late.json()["error"]["code"], "failed_precondition");
}

TEST_F(HttpInstances, OptionsOfAStartAreKept) {
  serve();
  const HttpAnswer started =
      post(kHub +
               "/orchestrators/echo/"
               "later?startAt=2126-01-31T10:00:00%2B02:00&version=1.2&tag=a:b&tag=c:d:e",
           "", {{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}});
  ASSERT_EQ(started.status, 202) << started.body;
  const Json shown = get(kHub + "/instances/later").json();
  EXPECT_EQ(shown["runtimeStatus"], "Pending");
  EXPECT_EQ(shown["scheduledTime"], "2126-01-31T08:00:00.000000Z");
  EXPECT_EQ(shown["version"], "1.2");
  EXPECT_EQ(shown["tags"], Json({{"a", "b"}, {"c", "d:e"}}));
  EXPECT_EQ(shown["input"], nullptr);
  // The id is taken, unless it may be replaced.
  EXPECT_EQ(post(kHub + "/orchestrators/echo/later").status, 409);
  EXPECT_EQ(post(kHub + "/orchestrators/echo/later?replace=Pending,Terminated", "1").status, 202);
  EXPECT_EQ(finish("later").output, "1");
}

TEST_F(HttpInstances, ARepetitionWithTheSameKeyIsNotCarriedOut) {
  serve();
  const Fields key = {{"Idempotency-Key", "order 4711"}};
  const std::string id = post(kHub + "/orchestrators/echo", "1", key).json()["id"];
  EXPECT_EQ(post(kHub + "/orchestrators/echo", "1", key).json()["id"], id);
  EXPECT_NE(post(kHub + "/orchestrators/echo", "1", {{"Idempotency-Key", "other"}}).json()["id"],
            id);
  EXPECT_EQ(get(kHub + "/instances").json().size(), 2U);
}

TEST_F(HttpInstances, HistoryIsGivenInParts) {
  serve();
  start("greetings", "g", "\"x\"");
  finish("g");
  const Json plain = get(kHub + "/instances/g?showHistory=true").json();
  ASSERT_EQ(plain["historyLength"], plain["historyEvents"].size());
  EXPECT_EQ(plain["historyEvents"][1]["eventType"], "ExecutionStarted");
  EXPECT_FALSE(plain["historyEvents"][1].contains("input"));
  const Json full = get(kHub + "/instances/g/history").json();
  ASSERT_EQ(full["historyEvents"].size(), plain["historyEvents"].size());
  EXPECT_EQ(full["historyEvents"][1]["input"], "x");
  EXPECT_EQ(full["historyEvents"][2]["eventType"], "TaskScheduled");
  EXPECT_EQ(full["historyEvents"][2]["name"], "greet");
  EXPECT_EQ(full["historyEvents"][2]["input"], "Tokyo");
  EXPECT_EQ(full["historyEvents"].back()["orchestrationStatus"], "Completed");
  const Json part = get(kHub + "/instances/g/history?skip=2&historyTop=1").json();
  EXPECT_EQ(part["historyEvents"], Json::array({full["historyEvents"][2]}));
  EXPECT_EQ(part["historyLength"], full["historyLength"]);
  EXPECT_EQ(get(kHub + "/instances/g/history?skip=1000").json()["historyEvents"], Json::array());
  EXPECT_EQ(get(kHub + "/instances/none/history").status, 404);
}

TEST_F(HttpInstances, PagesGiveEachInstanceOnce) {
  serve();
  std::vector<std::string> expected;
  for (int i = 100; i < 145; ++i) {
    expected.push_back("page-" + std::to_string(i));
    start("echo", expected.back(), "\"" + std::string(100, 'x') + "\"");
    finish(expected.back());
  }
  start("echo", "other", "1");
  for (const bool payloads : {true, false}) {
    std::vector<std::string> found;
    Fields fields;
    int pages = 0;
    do {
      const HttpAnswer page = get(kHub + "/instances?instanceIdPrefix=page-&top=13&showPayloads=" +
                                      (payloads ? "true" : "false"),
                                  fields);
      ASSERT_EQ(page.status, 200) << page.body;
      const Json list = page.json();
      EXPECT_LE(list.size(), 13U);
      for (const Json& one : list) EXPECT_EQ(one.contains("output"), payloads);
      for (const std::string& id : ids_of(list)) found.push_back(id);
      const std::string token = page.field("x-ms-continuation-token");
      fields = {{"x-ms-continuation-token", token}};
      ++pages;
      if (token.empty()) break;
    } while (pages < 100);
    EXPECT_EQ(found, expected);
    EXPECT_EQ(pages, 4);
  }
  std::reverse(expected.begin(), expected.end());
  EXPECT_EQ(ids_of(get(kHub + "/instances?instanceIdPrefix=page-&descending=true").json()),
            expected);
}

TEST_F(HttpInstances, FiltersChoose) {
  serve();
  start("echo", "done", "1");
  start("approval", "waits");
  start("payment", "failed", "\"1234\"");
  finish("done");
  finish("failed");
  ASSERT_TRUE(reaches("waits", RuntimeStatus::running));
  const auto found = [&](const std::string& query) {
    const HttpAnswer answer = get(kHub + "/instances?" + query);
    EXPECT_EQ(answer.status, 200) << query << answer.body;
    return ids_of(answer.json());
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(found("runtimeStatus=Running"), Ids({"waits"}));
  EXPECT_EQ(found("runtimeStatus=Completed,Failed"), Ids({"done", "failed"}));
  EXPECT_EQ(found("runtimeStatus=Completed&runtimeStatus=Failed"), Ids({"done", "failed"}));
  EXPECT_EQ(found("name=payment"), Ids({"failed"}));
  EXPECT_EQ(found("createdTimeFrom=2020-01-01"), Ids({"done", "failed", "waits"}));
  EXPECT_EQ(found("createdTimeTo=2020-01-01"), Ids());
  EXPECT_EQ(found("completedTimeFrom=2020-01-01T00:00:00Z"), Ids({"done", "failed"}));
  EXPECT_EQ(found("completedTimeTo=2020-01-01T00:00:00.5Z"), Ids());
  const Json failed = get(kHub + "/instances/failed").json();
  EXPECT_EQ(failed["failureDetails"]["innerFailure"]["errorType"], "CardDeclined");
  EXPECT_EQ(get(kHub + "/instances/failed?returnInternalServerErrorOnFailure=true").status, 500);
  const Json counts = get(kHub + "/counts").json();
  EXPECT_EQ(counts["instances"]["Completed"], 1);
  EXPECT_EQ(counts["instances"]["Failed"], 1);
  EXPECT_EQ(counts["instances"]["Running"], 1);
}

TEST_F(HttpInstances, ActionsActOnce) {
  serve();
  start("approval", "a", "1");
  ASSERT_TRUE(reaches("a", RuntimeStatus::running));
  EXPECT_EQ(post(kHub + "/instances/a/suspend?reason=lunch").status, 202);
  ASSERT_TRUE(reaches("a", RuntimeStatus::suspended));
  EXPECT_EQ(post(kHub + "/instances/a/resume?reason=back").status, 202);
  ASSERT_TRUE(reaches("a", RuntimeStatus::running));
  EXPECT_EQ(http(port(), "DELETE", kHub + "/instances/a", {{"X-Ingot-Request", "1"}}).status, 409);
  EXPECT_EQ(post(kHub + "/instances/a/rewind").status, 409);
  EXPECT_EQ(post(kHub + "/instances/a/terminate?reason=no%20more&recurse=true").status, 202);
  const InstanceState ended = finish("a");
  EXPECT_EQ(ended.status, RuntimeStatus::terminated);
  EXPECT_EQ(ended.output, "no more");
  for (const char* action : {"suspend", "resume", "terminate", "raiseEvent/x"}) {
    EXPECT_EQ(post(kHub + "/instances/a/" + action).status, 410) << action;
    EXPECT_EQ(post(kHub + "/instances/none/" + action).status, 404) << action;
  }
  const HttpAnswer again = post(kHub + "/instances/a/restart?restartWithNewInstanceId=false");
  EXPECT_EQ(again.status, 202) << again.body;
  EXPECT_EQ(again.json()["id"], "a");
  EXPECT_EQ(post(kHub + "/instances/a/restart?restartWithNewInstanceId=false").status, 409);
  const std::string fresh = post(kHub + "/instances/a/restart").json()["id"];
  EXPECT_NE(fresh, "a");
  EXPECT_EQ(post(kHub + "/instances/none/restart").status, 404);
  ASSERT_TRUE(reaches("a", RuntimeStatus::running));
  start("payment", "p", "\"1\"");
  finish("p");
  EXPECT_EQ(post(kHub + "/instances/p/rewind?reason=again").status, 202);
  EXPECT_TRUE(eventually([&] {
    const Json history = get(kHub + "/instances/p/history").json();
    return history.dump().find("ExecutionRewound") != std::string::npos;
  }));
}

TEST_F(HttpInstances, PurgingForgets) {
  serve();
  for (const char* id : {"x1", "x2", "y1"}) {
    start("echo", id, "1");
    finish(id);
  }
  const Fields header = {{"X-Ingot-Request", "1"}};
  EXPECT_EQ(change("DELETE", kHub + "/instances/y1").json()["instancesDeleted"], 1);
  EXPECT_EQ(change("DELETE", kHub + "/instances/y1").status, 404);
  EXPECT_EQ(get(kHub + "/instances/y1").status, 404);
  const HttpAnswer all = change("DELETE", kHub + "/instances");
  EXPECT_EQ(all.status, 400);
  EXPECT_NE(all.error().find("all=true"), std::string::npos);
  const Json many =
      change("DELETE", kHub + "/instances?instanceIdPrefix=x&runtimeStatus=Completed").json();
  EXPECT_EQ(many["instancesDeleted"], 2);
  EXPECT_EQ(many["complete"], true);
  EXPECT_EQ(change("DELETE", kHub + "/instances?all=true").json()["instancesDeleted"], 0);
  EXPECT_EQ(get(kHub + "/instances").json(), Json::array());
}

TEST_F(HttpInstances, ParentsAndChildrenAreNamed) {
  serve();
  start("order", "o", "7");
  ASSERT_EQ(finish("o").status, RuntimeStatus::completed);
  EXPECT_EQ(get(kHub + "/instances/7-greetings").json()["parentInstanceId"], "o");
  const Json history = get(kHub + "/instances/o/history").json()["historyEvents"];
  const bool named = std::any_of(history.begin(), history.end(), [](const Json& event) {
    return event["eventType"] == "SubOrchestrationInstanceCreated" &&
           event["instanceId"] == "7-greetings";
  });
  EXPECT_TRUE(named) << history;
}

TEST_F(HttpInstances, EntitiesAreSignalledShownAndListed) {
  serve();
  EXPECT_EQ(get(kHub + "/entities/counter/a").status, 404);
  EXPECT_EQ(post(kHub + "/entities/Counter/a?op=add", "5").status, 202);
  EXPECT_EQ(post(kHub + "/entities/counter/a%2Fb%40c?op=add", "7").status, 202);
  EXPECT_EQ(post(kHub + "/entities/counter/?op=add", "9").status, 202);  // its key is empty
  for (const auto& [key, state] :
       {std::pair{"a", 5}, std::pair{"a%2Fb%40c", 7}, std::pair{"", 9}}) {
    const std::string path = kHub + "/entities/counter/" + key;
    EXPECT_TRUE(eventually([&] { return get(path).status == 200; })) << path;
    EXPECT_EQ(get(path).json(), state) << path;
  }
  const Json details = get(kHub + "/entities/counter/a?details=true&payloads=text").json();
  EXPECT_EQ(details["entityId"], Json({{"name", "counter"}, {"key", "a"}}));
  EXPECT_EQ(details["state"], "5");
  EXPECT_EQ(get(kHub + "/entities").json().size(), 3U);
  EXPECT_EQ(get(kHub + "/entities/counter?fetchState=true&prefix=a").json().size(), 2U);
  EXPECT_EQ(get(kHub + "/entities/nothing").json(), Json::array());
  const HttpAnswer page = get(kHub + "/entities?top=2");
  EXPECT_EQ(page.json().size(), 2U);
  const HttpAnswer rest = get(kHub + "/entities?top=2",
                              {{"x-ms-continuation-token", page.field("x-ms-continuation-token")}});
  EXPECT_EQ(rest.json().size(), 1U);
  EXPECT_EQ(rest.field("x-ms-continuation-token"), "");
  const HttpAnswer no_operation = post(kHub + "/entities/counter/a", "5");
  EXPECT_EQ(no_operation.status, 400);
  EXPECT_NE(no_operation.error().find("op"), std::string::npos);
}

TEST_F(HttpInstances, PayloadsComeBackAsTheyWere) {
  serve();
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  // Not JSON as far as any reader may have to take it: given as a string.
  const std::vector<std::pair<std::string, Json>> texts = {
      {"12345678901234567890123456789", nullptr},  // compared as text below
      {deep, deep},
      {"1e999", "1e999"},
      {"not json", "not json"},
      {std::string("\xff\xfe", 2), Json({{"base64", "//4="}})},
      {"\xEF\xBB\xBF{}", "\xEF\xBB\xBF{}"},
  };
  int i = 0;
  for (const auto& [text, expected] : texts) {
    const std::string id = "t" + std::to_string(i++);
    const HttpAnswer started =
        http(port(), "POST", kHub + "/orchestrators/echo/" + id,
             {{"X-Ingot-Request", "1"}, {"Content-Type", "text/plain"}}, text);
    ASSERT_EQ(started.status, 202) << started.body;
    EXPECT_EQ(finish(id).output, text);
    const HttpAnswer shown = get(kHub + "/instances/" + id);
    if (expected.is_null()) {
      EXPECT_NE(shown.body.find("\"output\":" + text), std::string::npos) << shown.body;
    } else {
      EXPECT_EQ(shown.json()["output"], expected);
    }
  }
}

TEST_F(HttpInstances, IdsMayHoldAnything) {
  serve();
  const std::string id = "a/b?c&d=e%2F <script>alert(1)</script> \xC3\xA9";
  const std::string path = server::percent_encode(id);
  ASSERT_EQ(post(kHub + "/orchestrators/echo/" + path, "1").status, 202);
  EXPECT_EQ(finish(id).output, "1");
  EXPECT_EQ(get(kHub + "/instances/" + path).json()["instanceId"], id);
  EXPECT_EQ(get(kHub + "/instances?instanceIdPrefix=" + path).json().size(), 1U);
}

TEST_F(HttpInstances, DurableFunctionsAddressesWork) {
  add_hub("default");
  add_hub("second");
  start_service();
  const std::string base = "/runtime/webhooks/durabletask";
  const HttpAnswer started = post(base + "/orchestrators/echo/df?taskHub=second&code=x", "1");
  ASSERT_EQ(started.status, 202) << started.body;
  EXPECT_EQ(started.json()["statusQueryGetUri"], "/api/hubs/second/instances/df");
  EXPECT_EQ(get(base + "/instances/df").status, 404);  // the default hub has none
  EXPECT_TRUE(eventually([&] { return get(base + "/instances/df?taskHub=second").status == 200; }));
}

}  // namespace
}  // namespace ingot::testing
