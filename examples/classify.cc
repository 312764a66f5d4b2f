// Classifies a picture in the PPM format (P6) that has the size of the model's input: the smallest
// C++ program.
//   classify_cpp MODEL.octet IMAGE.ppm
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <octet/octet.hpp>
#include <string>
#include <vector>

namespace {

std::vector<uint8_t> read_ppm(const char* path, int& height, int& width) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  int largest = 0;
  file >> magic >> width >> height >> largest;
  if (!file || magic != "P6" || largest != 255 || width < 1 || height < 1) return {};
  file.get();
  std::vector<uint8_t> pixels(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
                              3);
  file.read(reinterpret_cast<char*>(pixels.data()), static_cast<std::streamsize>(pixels.size()));
  return file ? pixels : std::vector<uint8_t>();
}

int complain(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return complain("usage: classify_cpp MODEL.octet IMAGE.ppm");
  const auto model = octet::Model::load(argv[1]);
  if (!model) return complain(model.error().message);
  auto session = octet::Session::create(*model);
  if (!session) return complain(session.error().message);

  int height = 0;
  int width = 0;
  const std::vector<uint8_t> pixels = read_ppm(argv[2], height, width);
  if (pixels.empty()) return complain(std::string(argv[2]) + ": not a P6 picture");
  if (const auto ok = session->set_pixels(0, pixels); !ok) return complain(ok.error().message);
  if (const auto ok = session->run(); !ok) return complain(ok.error().message);

  const auto scores = session->output(0).values<float>();
  const auto best =
      static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  std::printf("%s (%s)\n", best < model->labels().size() ? model->labels()[best].c_str() : "?",
              session->isa());
  return 0;
}
