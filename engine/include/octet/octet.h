/* octet: int8 inference of convolutional networks on CPUs. The C API. It is stable across all
 * versions with the same major number.
 *
 * Functions that can fail return octet_failed (or NULL, or a count of 0) and leave a message, which
 * octet_last_error() returns. A NULL pointer is such an error, too, for every parameter of every
 * function, unless its comment allows NULL. Models and sessions belong to the caller, who frees
 * them with the matching _free function, which accepts NULL. Several threads may use a model at
 * once, but only one at a time may use a session: setting an input or running while it runs is an
 * error.
 */
#ifndef OCTET_OCTET_H_
#define OCTET_OCTET_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OCTET_API __attribute__((visibility("default")))
#else
#define OCTET_API
#endif

typedef enum octet_status { octet_ok = 0, octet_failed = 1 } octet_status;

typedef enum octet_type { octet_u8 = 0, octet_s8 = 1, octet_s32 = 2, octet_f32 = 3 } octet_type;

typedef struct octet_model octet_model;
typedef struct octet_session octet_session;

/* A tensor's description. Its pointers belong to the model and are valid as long as it is. */
typedef struct octet_tensor_info {
  const char* name;
  octet_type type;
  const int32_t* shape; /* images are [N, H, W, C] */
  size_t rank;
} octet_tensor_info;

/* "0.1.0" */
OCTET_API const char* octet_version(void);

/* The message of the calling thread's last failed call. It names the file, the layer and the
 * remedy. Never NULL; valid until the thread's next call into octet. */
OCTET_API const char* octet_last_error(void);

/* Maps an .octet file into memory. Returns NULL if there is no such file, or if it is no model,
 * damaged, or made for a newer octet. */
OCTET_API octet_model* octet_model_load(const char* path);
/* Does the same, and also reads the whole file and compares it with its checksum. So it refuses a
 * file that was cut off while it was copied, or that two programs wrote at once. A file of format
 * version 1 or 2 may have no checksum, and is loaded then. */
OCTET_API octet_model* octet_model_load_verified(const char* path);
/* Copies the `size` bytes of an .octet file. Returns NULL as octet_model_load does. */
OCTET_API octet_model* octet_model_from_memory(const void* bytes, size_t size);
OCTET_API void octet_model_free(octet_model* model);

OCTET_API size_t octet_model_input_count(const octet_model* model);
OCTET_API size_t octet_model_output_count(const octet_model* model);
OCTET_API octet_status octet_model_input_info(const octet_model* model, size_t index,
                                              octet_tensor_info* info);
OCTET_API octet_status octet_model_output_info(const octet_model* model, size_t index,
                                               octet_tensor_info* info);
/* The number of labels, 0 if the model has none. octet_model_label returns label `index`, which
 * belongs to the model; NULL if `index` is not below this number. */
OCTET_API size_t octet_model_label_count(const octet_model* model);
OCTET_API const char* octet_model_label(const octet_model* model, size_t index);

/* `threads`: how many run the model, or 0 for one for each big core. The session keeps what it
 * needs of the model, so the model may be freed before it. Results of float nodes are exact, as
 * with SessionOptions::exact in octet.hpp. */
OCTET_API octet_session* octet_session_create(const octet_model* model, int threads);
OCTET_API void octet_session_free(octet_session* session);

/* Sets input `index` from float32 values in the order of the input's shape. `count` must be the
 * product of its extents. The values are copied. */
OCTET_API octet_status octet_session_set_input(octet_session* session, size_t index,
                                               const float* values, size_t count);
/* Sets input `index` from u8 pixels [H, W, C], with the size and the order of channels that the
 * model's preprocessing names. `count` must be H * W * C. The pixels are copied. */
OCTET_API octet_status octet_session_set_pixels(octet_session* session, size_t index,
                                                const uint8_t* pixels, size_t count);
/* Runs the model on the inputs as they were last set. Allocates nothing. Fails also if the model
 * computes an index outside of its tensor, or divides a whole number by 0. */
OCTET_API octet_status octet_session_run(octet_session* session);
/* Returns the values of output `index`, and their number of bytes in `*size`; `size` may be NULL.
 * They belong to the session and are valid until it runs again or is freed. NULL: there is no such
 * output. */
OCTET_API const void* octet_session_output(const octet_session* session, size_t index,
                                           size_t* size);
/* The name of the instruction set that the session uses, such as "avx512vnni". */
OCTET_API const char* octet_session_isa(const octet_session* session);

#ifdef __cplusplus
}
#endif

#endif /* OCTET_OCTET_H_ */
