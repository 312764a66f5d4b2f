#include "tools/octet/detections.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;
using octet::tool::decode_detections;
using octet::tool::Detection;
using octet::tool::intersection_over_union;
using octet::tool::MatchCounts;

namespace {

// A detector whose outputs are its inputs: boxes, scores, landmarks. Its first input is the image.
struct Detector {
  Model model;
  Session session;
};

Graph detector_graph(int32_t priors) {
  GraphMaker m;
  const auto image = m.input({1, 16, 32, 3});
  std::vector<TensorId> outputs;
  for (const int32_t columns : {4, 2, 4}) {
    const auto x = m.input({1, priors, columns});
    outputs.push_back(m.reshape("out" + std::to_string(columns), x, {1, priors, columns}));
  }
  m.simple("unread", Op::neg, image);
  Graph graph = m.finish(outputs);
  graph.task = {.type = TaskType::detect,
                .boxes = 0,
                .scores = 1,
                .landmarks = 2,
                .min_sizes = {{4, 8}, {12}},
                .steps = {8, 16},
                .variances = {0.1f, 0.2f},
                .score_threshold = 0.5f,
                .nms_iou = 0.5f};
  return graph;
}

// 2 x 4 cells of 2 sizes, then 1 x 2 cells of one.
constexpr int32_t prior_count = 18;

Expected<std::vector<Detection>> detect(const Graph& graph, const std::vector<Values>& outputs,
                                        const image::Prepared& prepared = {}) {
  const Model model = build(graph, {.float_only = true});
  auto session = Session::create(model, {.threads = 1});
  REQUIRE(session);
  REQUIRE(session->set_input(0, Values(16 * 32 * 3)));
  for (std::size_t i = 0; i < outputs.size(); ++i) REQUIRE(session->set_input(i + 1, outputs[i]));
  REQUIRE(session->run());
  return decode_detections(*session, model, prepared);
}

std::vector<Values> nothing_found() {
  return {Values(prior_count * 4, 0.0f), Values(prior_count * 2, 0.0f),
          Values(prior_count * 4, 0.0f)};
}

}  // namespace

TEST_CASE("of detections with equal scores the earlier comes first") {
  auto outputs = nothing_found();
  for (std::size_t prior = 0; prior < prior_count; ++prior) outputs[1][2 * prior + 1] = 0.9f;
  Graph graph = detector_graph(prior_count);
  graph.task.nms_iou = 1;  // No box is suppressed.
  const auto found = detect(graph, outputs);
  REQUIRE(found);
  REQUIRE(found->size() == prior_count);
  // Priors go row by row over the cells, and in each cell the smaller size comes first. Then the
  // larger cells follow.
  for (std::size_t prior = 0; prior < 16; ++prior) {
    const Detection& d = (*found)[prior];
    INFO("prior " << prior);
    CHECK((d.left + d.right) / 2 == Approx(8 * (prior / 2 % 4) + 4));
    CHECK((d.top + d.bottom) / 2 == Approx(8 * (prior / 8) + 4));
    CHECK(d.right - d.left == Approx(prior % 2 == 0 ? 4 : 8));
  }
}

TEST_CASE("a detection is decoded as SSD's boxes are, in pixels of the image") {
  auto outputs = nothing_found();
  // Cell (1, 2) of the first map, second size: prior 2 * (1 * 4 + 2) + 1; centre (20, 12),
  // extent 8.
  constexpr std::size_t prior = 13;
  outputs[1][2 * prior + 1] = 0.75f;
  const Values box = {1, -2, 3, -1};
  std::copy(box.begin(), box.end(), outputs[0].begin() + 4 * prior);
  const Values points = {2, 3, -1, -4};
  std::copy(points.begin(), points.end(), outputs[2].begin() + 4 * prior);
  const auto found =
      detect(detector_graph(prior_count), outputs, {.scale_x = 10, .scale_y = 20, .offset_x = 1});
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  const Detection& d = found->front();
  CHECK(d.score == 0.75f);
  const double x = 20 + 1 * 0.1 * 8;
  const double y = 12 - 2 * 0.1 * 8;
  const double half_width = 8 * std::exp(3 * 0.2) / 2;
  const double half_height = 8 * std::exp(-1 * 0.2) / 2;
  CHECK(d.left == Approx((x - half_width + 1) * 10));
  CHECK(d.right == Approx((x + half_width + 1) * 10));
  CHECK(d.top == Approx((y - half_height) * 20));
  CHECK(d.bottom == Approx((y + half_height) * 20));
  REQUIRE(d.landmarks.size() == 2);
  CHECK(d.landmarks[0].x == Approx((20 + 2 * 0.1 * 8 + 1) * 10));
  CHECK(d.landmarks[1].y == Approx((12 - 4 * 0.1 * 8) * 20));
}

TEST_CASE("boxes that are corners already need no priors") {
  Graph graph = detector_graph(3);
  graph.task.corners = true;
  graph.task.min_sizes.clear();
  graph.task.steps.clear();
  graph.task.variances.clear();
  const auto found = detect(graph,
                            {{0, 0, 0, 0, 0.25f, 0.5f, 0.5f, 1, 0, 0, 0, 0},
                             {1, 0, 0.125f, 0.875f, 1, 0},
                             {0, 0, 0, 0, 0.5f, 0.25f, 1, 0, 0, 0, 0, 0}},
                            {.scale_x = 10, .scale_y = 20, .offset_x = 1});
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  const Detection& d = found->front();
  CHECK(d.score == 0.875f);
  CHECK(d.left == Approx((0.25 * 32 + 1) * 10));
  CHECK(d.top == Approx(0.5 * 16 * 20));
  CHECK(d.right == Approx((0.5 * 32 + 1) * 10));
  CHECK(d.bottom == Approx(16 * 20));
  REQUIRE(d.landmarks.size() == 2);
  CHECK(d.landmarks[1].x == Approx((32 + 1) * 10));
  CHECK(d.landmarks[0].y == Approx(0.25 * 16 * 20));
}

TEST_CASE("priors of the second map come after the first") {
  auto outputs = nothing_found();
  outputs[1][2 * 17 + 1] = 0.9f;
  const auto found = detect(detector_graph(prior_count), outputs);
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().left == Approx(24 - 6));
  CHECK(found->front().bottom == Approx(8 + 6));
}

TEST_CASE("boxes that overlap a better one go, others stay, best first; the threshold counts") {
  auto outputs = nothing_found();
  outputs[1][2 * 0 + 1] = 0.6f;                          // cell (0, 0), size 4
  outputs[1][2 * 1 + 1] = 0.8f;                          // same centre, size 8: IoU .25
  outputs[1][2 * 2 + 1] = 0.5f;                          // cell (0, 1), at the threshold
  outputs[1][2 * 3 + 1] = 0.49f;                         // below it
  outputs[0][4 * 0 + 2] = outputs[0][4 * 0 + 3] = 3.2f;  // size 7.6: now IoU .9
  const auto found = detect(detector_graph(prior_count), outputs);
  REQUIRE(found);
  REQUIRE(found->size() == 2);
  CHECK(found->front().score == 0.8f);
  CHECK(found->back().score == 0.5f);
}

TEST_CASE("scores and boxes that are no numbers do no harm") {
  auto outputs = nothing_found();
  for (std::size_t i = 0; i < outputs[1].size(); ++i) outputs[1][i] = i % 3 == 0 ? NAN : 1.0f;
  for (std::size_t i = 0; i < outputs[0].size(); ++i) outputs[0][i] = i % 2 == 0 ? 1e30f : NAN;
  CHECK(detect(detector_graph(prior_count), outputs));
}

TEST_CASE("outputs that do not fit the task's maps are an error, however fine the maps") {
  Graph graph = detector_graph(prior_count);
  graph.task.steps = {8, 8};
  const auto found = detect(graph, nothing_found());
  REQUIRE_FALSE(found);
  CHECK(found.error().message.find("[1, 24, 4]") != std::string::npos);
  graph.task.steps = {1e-20f, 1e-30f};
  CHECK_FALSE(detect(graph, nothing_found()));
}

TEST_CASE("intersection over union of boxes") {
  const Detection a{.left = 0, .top = 0, .right = 10, .bottom = 10};
  CHECK(intersection_over_union(a, a) == 1);
  CHECK(intersection_over_union(a, {.left = 5, .top = 0, .right = 15, .bottom = 10}) ==
        Approx(1.0 / 3));
  CHECK(intersection_over_union(a, {.left = 10, .top = 0, .right = 20, .bottom = 10}) == 0);
  CHECK(intersection_over_union(a, {.left = 2, .top = 2, .right = 4, .bottom = 4}) == Approx(0.04));
}

TEST_CASE("each detection is paired with the free one that it overlaps most") {
  const Detection a{.left = 0, .top = 0, .right = 10, .bottom = 10, .score = 0.9f};
  const Detection near_a{.left = 1, .top = 0, .right = 11, .bottom = 10, .score = 0.8f};
  const Detection far{.left = 50, .top = 0, .right = 60, .bottom = 10, .score = 0.7f};
  MatchCounts counts;
  octet::tool::match({a, near_a, far}, {near_a, a}, counts);
  CHECK(counts.ours == 3);
  CHECK(counts.theirs == 2);
  CHECK(counts.matched == 2);
  CHECK(counts.iou_sum == Approx(2));
  octet::tool::match({a, a}, {near_a}, counts);
  CHECK(counts.ours == 5);
  CHECK(counts.matched == 3);
}
