// The little that Maru needs of libvpx, with types of its own: libvpx's structures differ between
// versions, these do not. Every function that can fail returns NULL, or what went wrong as a string
// that stays valid until the next call with the same codec.

#include <stddef.h>
#include <stdint.h>

typedef struct maru_vpx_encoder maru_vpx_encoder;
typedef struct maru_vpx_decoder maru_vpx_decoder;

typedef struct {
  uint32_t width;
  uint32_t height;
  uint32_t bitrate_kbps;
  // Ticks of the 90 kHz clock from picture to picture.
  uint32_t frame_ticks;
  uint32_t threads;
  // 0 to 16, higher is quicker and worse.
  uint32_t speed;
  uint32_t screen; // 1: text and windows rather than what a camera sees
} maru_vpx_settings;

// Planes Y, U, V; 8 bits a sample, chroma halved both ways.
typedef struct {
  const uint8_t *planes[3];
  int32_t strides[3];
  uint32_t width;
  uint32_t height;
} maru_vpx_picture;

typedef struct {
  const uint8_t *data; // NULL when there is none
  size_t size;
  int32_t key;
} maru_vpx_frame;

const char *maru_vpx_encoder_create(const maru_vpx_settings *settings, maru_vpx_encoder **out);
// Another rate from the next picture on, without a key frame. The size stays.
const char *maru_vpx_encoder_tune(maru_vpx_encoder *encoder, uint32_t bitrate_kbps, uint32_t frame_ticks);
// `ticks` of the 90 kHz clock have passed since the picture before; 0: as many as always. The frame is valid
// until the next call with this encoder.
const char *maru_vpx_encode(maru_vpx_encoder *encoder, const maru_vpx_picture *picture, uint32_t ticks,
                            int32_t key, maru_vpx_frame *out);
void maru_vpx_encoder_free(maru_vpx_encoder *encoder);

const char *maru_vpx_decoder_create(uint32_t threads, maru_vpx_decoder **out);
// The picture is valid until the next call with this decoder; planes[0] is NULL when there is none.
const char *maru_vpx_decode(maru_vpx_decoder *decoder, const uint8_t *data, size_t size,
                            maru_vpx_picture *out);
void maru_vpx_decoder_free(maru_vpx_decoder *decoder);
