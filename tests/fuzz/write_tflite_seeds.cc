// Writes the small TFLite models of tests/tflite into a folder, as seeds for fuzzing.
#include <fstream>
#include <iostream>

#include "tests/tflite/sample_models.h"

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: octet_tflite_seeds FOLDER\n";
    return 1;
  }
  int number = 0;
  for (const std::string& file : octet::test::sample_tflite_models())
    std::ofstream(std::string(arguments[1]) + "/" + std::to_string(number++) + ".tflite") << file;
  return 0;
}
