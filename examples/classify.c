/* Classifies a picture in the PPM format (P6) that has the size of the model's input: the smallest
 * C program. classify_c MODEL.octet IMAGE.ppm
 */
#include <octet/octet.h>
#include <stdio.h>
#include <stdlib.h>

static uint8_t* read_ppm(const char* path, size_t* count) {
  FILE* file = fopen(path, "rb");
  int width = 0, height = 0, largest = 0;
  uint8_t* pixels = NULL;
  if (file == NULL) return NULL;
  if (fscanf(file, "P6 %d %d %d", &width, &height, &largest) == 3 && largest == 255 && width > 0 &&
      height > 0) {
    fgetc(file);
    *count = (size_t)width * (size_t)height * 3;
    pixels = malloc(*count);
    if (pixels != NULL && fread(pixels, 1, *count, file) != *count) {
      free(pixels);
      pixels = NULL;
    }
  }
  fclose(file);
  return pixels;
}

int main(int argc, char** argv) {
  octet_model* model = NULL;
  octet_session* session = NULL;
  uint8_t* pixels = NULL;
  size_t count = 0, size = 0, best = 0, i;
  const float* scores = NULL;
  int code = 1;

  if (argc != 3) {
    fprintf(stderr, "usage: classify_c MODEL.octet IMAGE.ppm\n");
    return 2;
  }
  pixels = read_ppm(argv[2], &count);
  if (pixels == NULL) {
    fprintf(stderr, "%s: not a P6 picture\n", argv[2]);
    return 1;
  }
  if ((model = octet_model_load(argv[1])) != NULL &&
      (session = octet_session_create(model, 0)) != NULL &&
      octet_session_set_pixels(session, 0, pixels, count) == octet_ok &&
      octet_session_run(session) == octet_ok &&
      (scores = octet_session_output(session, 0, &size)) != NULL) {
    for (i = 1; i < size / sizeof(float); ++i) {
      if (scores[i] > scores[best]) best = i;
    }
    printf("%s (%s)\n", octet_model_label(model, best) ? octet_model_label(model, best) : "?",
           octet_session_isa(session));
    code = 0;
  } else {
    fprintf(stderr, "%s\n", octet_last_error());
  }
  octet_session_free(session);
  octet_model_free(model);
  free(pixels);
  return code;
}
