#include "tools/image/image.h"

#include <array>
#include <catch2/catch.hpp>

#include "loaders/preprocess.h"
#include "tests/engine/corruption.h"
#include "tests/loaders/float_export_maker.h"
#include "tests/tools/jpeg_bytes.h"
#include "tools/image/exif.h"

using namespace octet::test;
using octet::image::Image;

namespace {

// The same image as make_resize_golden.py makes.
Image made_image(int height, int width) {
  Image image{.height = height, .width = width};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int64_t noise = ((int64_t{x} * 2654435761 + y * 40503 + c * 69069) >> 5) % 64;
        const int64_t value =
            x * 255 / std::max(width - 1, 1) + noise + 190 * ((x / 3 + y / 2) % 2);
        image.pixels.push_back(static_cast<uint8_t>(value % 256));
      }
    }
  }
  return image;
}

int largest_difference(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  REQUIRE(a.size() == b.size());
  int largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

std::vector<uint8_t> from_hex(const std::string& hex) {
  std::vector<uint8_t> bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

}  // namespace

TEST_CASE("images are prepared as Pillow prepares them, within one level a pixel") {
  const auto cases =
      nlohmann::json::parse(contents_of(OCTET_SOURCE_DIR "/tests/tools/resize_golden.json"));
  CHECK(cases.size() == 36);
  for (const auto& golden : cases) {
    INFO(golden["image"] << " " << golden["preprocess"]);
    const auto rule = octet::loaders::parse_preprocess(golden["preprocess"].dump());
    REQUIRE(rule);
    const Image image = made_image(golden["image"][0], golden["image"][1]);
    const auto prepared = octet::image::prepare(image, *rule);
    CHECK(largest_difference(prepared.pixels, from_hex(golden["pixels"])) <= 1);
  }
}

TEST_CASE("a position in the input leads back to its place in the image") {
  const Image image = made_image(20, 40);
  octet::Preprocess p{.height = 10, .width = 10, .mean = {0, 0, 0}, .std = {1, 1, 1}};
  const auto stretched = octet::image::prepare(image, p);
  CHECK((10 + stretched.offset_x) * stretched.scale_x == Approx(40));
  CHECK((10 + stretched.offset_y) * stretched.scale_y == Approx(20));
  p.resize = octet::ResizeRule::crop;
  const auto cropped = octet::image::prepare(image, p);
  CHECK((0 + cropped.offset_x) * cropped.scale_x == Approx(10));
  CHECK((10 + cropped.offset_x) * cropped.scale_x == Approx(30));
  p.resize = octet::ResizeRule::letterbox;
  const auto boxed = octet::image::prepare(image, p);
  CHECK((10 + boxed.offset_x) * boxed.scale_x == Approx(40));
  CHECK((5 + boxed.offset_y) * boxed.scale_y == Approx(20));
}

TEST_CASE("images of a single row, column or pixel are prepared like any other") {
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 300}, {300, 1}}) {
    for (const auto rule :
         {octet::ResizeRule::stretch, octet::ResizeRule::crop, octet::ResizeRule::letterbox}) {
      const octet::Preprocess p{
          .height = 7, .width = 5, .resize = rule, .mean = {1, 2, 3}, .std = {1, 1, 1}};
      CHECK(octet::image::prepare(made_image(height, width), p).pixels.size() == 105);
    }
  }
}

TEST_CASE("the centre of a long, thin image is all that is computed of it") {
  const octet::Preprocess p{.height = 512,
                            .width = 512,
                            .resize = octet::ResizeRule::crop,
                            .mean = {0, 0, 0},
                            .std = {1, 1, 1}};
  for (const bool tall : {true, false}) {
    const Image image = tall ? made_image(20000, 1) : made_image(1, 20000);
    const auto prepared = octet::image::prepare(image, p);
    CHECK((tall ? prepared.offset_y : prepared.offset_x) == (10240000 - 512) / 2);
    CHECK(prepared.pixels.size() == 512 * 512 * 3);
  }
}

TEST_CASE("a PNG is read as it was written, and gray ones as three equal channels") {
  const TemporaryFolder folder;
  const Image image = made_image(13, 9);
  REQUIRE(octet::image::write_png(image, folder.path("a.png")));
  const auto again = octet::image::read_image(folder.path("a.png"));
  REQUIRE(again);
  CHECK(again->height == 13);
  CHECK(again->width == 9);
  CHECK(again->pixels == image.pixels);

  const Image gray{.height = 1, .width = 2, .channels = 1, .pixels = {7, 200}};
  REQUIRE(octet::image::write_png(gray, folder.path("gray.png")));
  const auto as_rgb = octet::image::read_image(folder.path("gray.png"));
  REQUIRE(as_rgb);
  CHECK(as_rgb->pixels == std::vector<uint8_t>{7, 7, 7, 200, 200, 200});
}

TEST_CASE("every kind of image is read as the exporter reads it, JPEG within one level a pixel") {
  const TemporaryFolder folder;
  const auto cases =
      nlohmann::json::parse(contents_of(OCTET_SOURCE_DIR "/tests/tools/image_golden.json"));
  CHECK(cases.size() == 107);
  for (const auto& golden : cases) {
    INFO(golden["name"]);
    const std::vector<uint8_t> file = from_hex(golden["file"]);
    const auto image =
        octet::image::read_image(folder.write("image", std::string(file.begin(), file.end())));
    INFO((image ? "" : image.error().message));
    if (!image && image.error().message.find("built without libwebp") != std::string::npos) {
      WARN("skipped, no libwebp: " << golden["name"]);
      continue;
    }
    REQUIRE(image);
    CHECK(image->height == golden["height"]);
    CHECK(image->channels == 3);
    const std::string name = golden["name"];
    const bool lossy = name.starts_with("JPEG") || name == "WebP, lossy";
    CHECK(largest_difference(image->pixels, from_hex(golden["pixels"])) <= (lossy ? 1 : 0));
  }
}

TEST_CASE("an orientation turns the picture, and only where that is asked for") {
  const TemporaryFolder folder;
  const auto cases =
      nlohmann::json::parse(contents_of(OCTET_SOURCE_DIR "/tests/tools/image_golden.json"));
  int turned = 0;
  for (const auto& golden : cases) {
    const std::string name = golden["name"];
    if (!name.starts_with("PNG, orientation")) continue;
    INFO(name);
    const std::vector<uint8_t> file = from_hex(golden["file"]);
    const auto raw = octet::image::read_image(
        folder.write("image", std::string(file.begin(), file.end())), {.exif_rotate = false});
    REQUIRE(raw);
    CHECK(raw->height == 5);
    turned += raw->pixels != from_hex(golden["pixels"]) ? 1 : 0;
  }
  CHECK(turned == 7);
}

TEST_CASE("EXIF that is damaged anyhow turns nothing over that is not there") {
  const std::string whole("Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0",
                          32);
  const auto orientation = [](const std::string& bytes) {
    return octet::image::exif_orientation(
        {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  };
  CHECK(orientation(whole) == 6);
  CHECK(orientation(whole.substr(6)) == 6);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const int value = orientation(std::string(whole.substr(0, size)));
    CHECK((value == 1 || value == 6));
  }
  Random random(43);
  for (int round = 0; round < 20'000; ++round) {
    INFO("seed " << random.seed << ", round " << round);
    const int value = orientation(corrupted(whole, random));
    REQUIRE(value >= 1);
    REQUIRE(value <= 8);
  }
}

TEST_CASE("formats that octet does not read are named, with what converts them") {
  const TemporaryFolder folder;
  const std::vector<std::array<std::string, 3>> files = {
      {std::string("II*\0\x08\0\0\0", 8), "TIFF", "convert"},
      {std::string("MM\0*\0\0\0\x08", 8), "TIFF", "convert"},
      {std::string("\0\0\0\x18"
                   "ftypheic",
                   12),
       "HEIC", "heif-convert"},
      {std::string("\0\0\0\x18"
                   "ftypmif1",
                   12),
       "HEIC", "heif-convert"},
      {std::string("\0\0\0\x1C"
                   "ftypavif",
                   12),
       "AVIF", "avifdec"},
      {std::string("\0\0\0\x0CJXL \r\n\x87\n", 12), "JPEG XL", "djxl"},
      {"%PDF-1.4", "PDF", "pdftoppm"},
  };
  for (const auto& [bytes, name, command] : files) {
    const std::string path = folder.write("picture", bytes);
    const auto image = octet::image::read_image(path);
    REQUIRE_FALSE(image);
    INFO(image.error().message);
    CHECK(image.error().message.starts_with(path + ": "));
    CHECK(image.error().message.find(name) != std::string::npos);
    CHECK(image.error().message.find(command) != std::string::npos);
  }
}

TEST_CASE("a very large JPEG is decoded smaller where few of its pixels are needed") {
  const TemporaryFolder folder;
  Image large{.height = 4000, .width = 4400};
  large.pixels.resize(static_cast<std::size_t>(large.height) *
                      static_cast<std::size_t>(large.width) * 3);
  for (int y = 0; y < large.height; ++y) {
    for (int x = 0; x < large.width; ++x) {
      large.at(y, x)[0] = static_cast<uint8_t>(x / 18);
      large.at(y, x)[1] = static_cast<uint8_t>(y / 16);
      large.at(y, x)[2] = static_cast<uint8_t>((x + y) / 34);
    }
  }
  const std::string path = folder.write("large.jpg", jpeg_bytes(large));
  const auto whole = octet::image::read_image(path);
  REQUIRE(whole);
  CHECK(whole->width == 4400);
  for (const auto& [size, width] : {std::pair{200, 550}, {280, 1100}, {600, 2200}, {1200, 4400}}) {
    for (const auto rule :
         {octet::ResizeRule::stretch, octet::ResizeRule::crop, octet::ResizeRule::letterbox}) {
      const octet::Preprocess p{
          .height = size, .width = size, .resize = rule, .mean = {0, 0, 0}, .std = {1, 1, 1}};
      INFO(size << ", rule " << static_cast<int>(rule));
      const auto image = octet::image::read_image(path, {.made_into = &p});
      REQUIRE(image);
      CHECK(image->width == width);
      const auto from_few = octet::image::prepare(*image, p);
      const auto from_all = octet::image::prepare(*whole, p);
      CHECK(largest_difference(from_few.pixels, from_all.pixels) <= 3);
      CHECK(from_few.scale_x == from_all.scale_x);
      CHECK(from_few.scale_y == from_all.scale_y);
      CHECK(from_few.offset_x == from_all.offset_x);
      CHECK(from_few.offset_y == from_all.offset_y);
    }
  }
}

TEST_CASE("a JPEG of ordinary size is decoded as it is") {
  const TemporaryFolder folder;
  const Image image = made_image(1000, 1500);
  const std::string path = folder.write("ordinary.jpg", jpeg_bytes(image));
  const octet::Preprocess p{.height = 8, .width = 8, .mean = {0, 0, 0}, .std = {1, 1, 1}};
  const auto few = octet::image::read_image(path, {.made_into = &p});
  const auto all = octet::image::read_image(path);
  REQUIRE(few);
  REQUIRE(all);
  CHECK(few->pixels == all->pixels);
}

TEST_CASE("a PNG that is cut off anywhere is an error") {
  const TemporaryFolder folder;
  REQUIRE(octet::image::write_png(made_image(13, 9), folder.path("whole.png")));
  const std::string whole = contents_of(folder.path("whole.png"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size << " of " << whole.size() << " bytes");
    CHECK_FALSE(octet::image::read_image(folder.write("cut.png", whole.substr(0, size))));
  }
}

TEST_CASE("a JPEG is near the image that it was made of") {
  const TemporaryFolder folder;
  Image image{.height = 32, .width = 24};
  for (int i = 0; i < 32 * 24 * 3; ++i) image.pixels.push_back(static_cast<uint8_t>(i / 72 * 6));
  for (const bool progressive : {false, true}) {
    // The content says what it is, not the name.
    const auto read =
        octet::image::read_image(folder.write("photo.png", jpeg_bytes(image, progressive)));
    INFO((read ? "" : read.error().message));
    REQUIRE(read);
    CHECK(largest_difference(read->pixels, image.pixels) < 12);
  }
}

TEST_CASE("what is no image is an error that names the file") {
  const TemporaryFolder folder;
  for (const std::string& path :
       {folder.path("absent.png"), folder.path("."), folder.write("empty.jpg", ""),
        folder.write("text.jpg", "just a text"), folder.write("short.jpg", "\xFF\xD8\xFF"),
        folder.write("short.png", "\x89PNG\r\n\x1a\nXX")}) {
    INFO(path);
    const auto image = octet::image::read_image(path);
    REQUIRE_FALSE(image);
    CHECK(image.error().message.starts_with(path + ": "));
  }
}

TEST_CASE("three hundred damaged files of each kind of image") {
  const TemporaryFolder folder;
  const auto cases =
      nlohmann::json::parse(contents_of(OCTET_SOURCE_DIR "/tests/tools/image_golden.json"));
  for (const char* kind :
       {"BMP, RGB", "BMP, 1", "BMP, P", "GIF, 5 colours, interlace 1", "GIF, animated",
        "GIF, codes of every width", "WebP, lossless, RGBA", "WebP, lossy", "WebP, orientation 6",
        "PNG, orientation 6", "JPEG, orientation 6, <"}) {
    const auto golden =
        std::ranges::find_if(cases, [&](const auto& one) { return one["name"] == kind; });
    REQUIRE(golden != cases.end());
    const std::vector<uint8_t> file = from_hex((*golden)["file"]);
    const std::string whole(file.begin(), file.end());
    Random random(47);
    for (int round = 0; round < 300; ++round) {
      INFO(kind << ", seed " << random.seed << ", round " << round);
      const auto image =
          octet::image::read_image(folder.write("damaged", corrupted(whole, random)));
      if (!image) {
        CHECK(image.error().message.starts_with(folder.path("damaged") + ": "));
        continue;
      }
      CHECK(image->pixels.size() ==
            static_cast<std::size_t>(image->height) * static_cast<std::size_t>(image->width) * 3);
    }
  }
}

TEST_CASE("a thousand damaged JPEG and PNG files") {
  const TemporaryFolder folder;
  const Image image = made_image(24, 40);
  REQUIRE(octet::image::write_png(image, folder.path("whole.png")));
  const std::vector<std::string> files = {jpeg_bytes(image), jpeg_bytes(image, true),
                                          contents_of(folder.path("whole.png"))};
  for (const std::string& file : files) {
    Random random(41);
    int read = 0;
    for (int round = 0; round < 1000; ++round) {
      INFO("seed " << random.seed << ", round " << round);
      const auto damaged =
          octet::image::read_image(folder.write("damaged", corrupted(file, random)));
      if (!damaged) {
        CHECK_FALSE(damaged.error().message.empty());
        continue;
      }
      ++read;
      const auto size =
          static_cast<std::size_t>(damaged->height) * static_cast<std::size_t>(damaged->width);
      CHECK(damaged->pixels.size() == size * 3);
    }
    CHECK(read < 1000);
  }
}

TEST_CASE(
    "drawing far outside the image, or at no place at all, changes nothing and reads nothing") {
  Image image = made_image(10, 12);
  const auto before = image.pixels;
  const octet::image::Color red = {255, 0, 0};
  for (const double far : {-1e30, 1e30}) {
    octet::image::draw_rectangle(image, far, far, far, far, red, 2);
    octet::image::draw_dot(image, far, far, red, 3);
    octet::image::draw_text(image, far < 0 ? -20000 : 20000, 0, "TEXT", red, 1);
  }
  octet::image::draw_dot(image, NAN, NAN, red, 1);
  CHECK(image.pixels.size() == before.size());
  octet::image::draw_rectangle(image, 2, 3, 6, 7, red, 1);
  CHECK(image.at(3, 2)[0] == 255);
  CHECK(image.at(7, 6)[1] == 0);
}

TEST_CASE("a picture that cannot be written leaves nothing behind") {
  const TemporaryFolder folder;
  const auto written = octet::image::write_png(made_image(4, 4), folder.path("no/such/folder.png"));
  REQUIRE_FALSE(written);
  CHECK(written.error().message.starts_with(folder.path("no/such/folder.png")));
}
