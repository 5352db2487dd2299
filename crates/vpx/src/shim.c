// See shim.h. Compiled against the headers of the libvpx that is linked.

#include "shim.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

#define CLOCK 90000

struct maru_vpx_encoder {
  vpx_codec_ctx_t codec;
  vpx_codec_enc_cfg_t config;
  uint32_t frame_ticks;
  vpx_codec_pts_t time;
};

struct maru_vpx_decoder {
  vpx_codec_ctx_t codec;
};

static const char *problem(vpx_codec_ctx_t *codec) {
  const char *detail = vpx_codec_error_detail(codec);
  return detail ? detail : vpx_codec_error(codec);
}

// A key frame may be as large as this many percent of an average frame: large enough to be worth
// looking at, small enough for a path that just carries the rest.
static unsigned int key_frame_percent(const vpx_codec_enc_cfg_t *config, uint32_t frame_ticks) {
  unsigned int fps = CLOCK / frame_ticks;
  unsigned int percent = config->rc_buf_optimal_sz * fps / 20;
  return percent < 300 ? 300 : percent;
}

const char *maru_vpx_encoder_create(const maru_vpx_settings *settings, maru_vpx_encoder **out) {
  *out = NULL;
  maru_vpx_encoder *encoder = calloc(1, sizeof *encoder);
  if (!encoder) return "out of memory";
  vpx_codec_enc_cfg_t *config = &encoder->config;
  vpx_codec_err_t error = vpx_codec_enc_config_default(vpx_codec_vp8_cx(), config, 0);
  if (error) {
    free(encoder);
    return vpx_codec_err_to_string(error);
  }
  encoder->frame_ticks = settings->frame_ticks;
  config->g_w = settings->width;
  config->g_h = settings->height;
  config->g_timebase.num = 1;
  config->g_timebase.den = CLOCK;
  config->g_threads = settings->threads;
  config->g_pass = VPX_RC_ONE_PASS;
  config->g_lag_in_frames = 0;
  // Receivers wait for a key frame after a loss: nothing has to be decodable without what was lost.
  config->g_error_resilient = 0;
  config->kf_mode = VPX_KF_DISABLED; // on request only
  config->rc_end_usage = VPX_CBR;
  config->rc_target_bitrate = settings->bitrate_kbps;
  // Of a screen, pictures are left out when the buffer runs low: what is there has to be legible.
  config->rc_dropframe_thresh = settings->screen ? 30 : 0;
  config->rc_resize_allowed = 0;
  config->rc_min_quantizer = 2;
  // A camera's pictures come whatever they look like: the rate is what the path can carry.
  config->rc_max_quantizer = settings->screen ? 48 : 63;
  config->rc_undershoot_pct = 100;
  config->rc_overshoot_pct = 15;
  // Milliseconds of the rate that the receiver may be behind.
  config->rc_buf_initial_sz = 500;
  config->rc_buf_optimal_sz = 600;
  config->rc_buf_sz = 1000;
  if (vpx_codec_enc_init(&encoder->codec, vpx_codec_vp8_cx(), config, 0)) {
    // Not the context's own words, which go with it.
    error = encoder->codec.err;
    vpx_codec_destroy(&encoder->codec);
    free(encoder);
    return vpx_codec_err_to_string(error);
  }
  // One token partition for each thread, so that a receiver's threads have something to share too.
  int partitions = settings->threads > 1 ? VP8_TWO_TOKENPARTITION : VP8_ONE_TOKENPARTITION;
  vpx_codec_ctx_t *codec = &encoder->codec;
  // A negative value is a fixed speed; a positive one would let the library find its own.
  if (vpx_codec_control(codec, VP8E_SET_CPUUSED, -(int)settings->speed) ||
      vpx_codec_control(codec, VP8E_SET_STATIC_THRESHOLD, 1) ||
      vpx_codec_control(codec, VP8E_SET_TOKEN_PARTITIONS, partitions) ||
      vpx_codec_control(codec, VP8E_SET_NOISE_SENSITIVITY, 0) ||
      vpx_codec_control(codec, VP8E_SET_SCREEN_CONTENT_MODE, settings->screen) ||
      vpx_codec_control(codec, VP8E_SET_MAX_INTRA_BITRATE_PCT,
                        key_frame_percent(config, settings->frame_ticks))) {
    error = codec->err;
    maru_vpx_encoder_free(encoder);
    return vpx_codec_err_to_string(error);
  }
  *out = encoder;
  return NULL;
}

const char *maru_vpx_encoder_tune(maru_vpx_encoder *encoder, uint32_t bitrate_kbps, uint32_t frame_ticks) {
  encoder->config.rc_target_bitrate = bitrate_kbps;
  encoder->frame_ticks = frame_ticks;
  if (vpx_codec_enc_config_set(&encoder->codec, &encoder->config) ||
      vpx_codec_control(&encoder->codec, VP8E_SET_MAX_INTRA_BITRATE_PCT,
                        key_frame_percent(&encoder->config, frame_ticks))) {
    return problem(&encoder->codec);
  }
  return NULL;
}

const char *maru_vpx_encode(maru_vpx_encoder *encoder, const maru_vpx_picture *picture, uint32_t ticks,
                            int32_t key, maru_vpx_frame *out) {
  memset(out, 0, sizeof *out);
  vpx_image_t image;
  // It takes the address of the caller's bytes, which the library only reads.
  if (!vpx_img_wrap(&image, VPX_IMG_FMT_I420, picture->width, picture->height, 1,
                    (unsigned char *)picture->planes[0])) {
    return "the picture cannot be lent to the library";
  }
  for (int plane = 0; plane < 3; plane++) {
    image.planes[plane] = (unsigned char *)picture->planes[plane];
    image.stride[plane] = picture->strides[plane];
  }
  // The limit is in percent of what has room in the time of one picture, and that is another one each time.
  if (ticks && key && vpx_codec_control(&encoder->codec, VP8E_SET_MAX_INTRA_BITRATE_PCT,
                               key_frame_percent(&encoder->config, ticks))) {
    return problem(&encoder->codec);
  }
  if (!ticks) ticks = encoder->frame_ticks;
  vpx_codec_pts_t time = encoder->time;
  encoder->time += ticks;
  if (vpx_codec_encode(&encoder->codec, &image, time, ticks, key ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME)) {
    return problem(&encoder->codec);
  }
  vpx_codec_iter_t iterator = NULL;
  const vpx_codec_cx_pkt_t *packet;
  while ((packet = vpx_codec_get_cx_data(&encoder->codec, &iterator))) {
    if (packet->kind == VPX_CODEC_CX_FRAME_PKT) {
      out->data = packet->data.frame.buf;
      out->size = packet->data.frame.sz;
      out->key = (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
      break; // without partitions as output and without lag there is one
    }
  }
  return NULL;
}

void maru_vpx_encoder_free(maru_vpx_encoder *encoder) {
  vpx_codec_destroy(&encoder->codec);
  free(encoder);
}

const char *maru_vpx_decoder_create(uint32_t threads, maru_vpx_decoder **out) {
  *out = NULL;
  maru_vpx_decoder *decoder = calloc(1, sizeof *decoder);
  if (!decoder) return "out of memory";
  vpx_codec_dec_cfg_t config = {0};
  config.threads = threads;
  vpx_codec_err_t error = vpx_codec_dec_init(&decoder->codec, vpx_codec_vp8_dx(), &config, 0);
  if (error) {
    free(decoder);
    return vpx_codec_err_to_string(error);
  }
  *out = decoder;
  return NULL;
}

const char *maru_vpx_decode(maru_vpx_decoder *decoder, const uint8_t *data, size_t size,
                            maru_vpx_picture *out) {
  memset(out, 0, sizeof *out);
  if (size == 0 || size > INT_MAX) return "it is empty or too large";
  if (vpx_codec_decode(&decoder->codec, data, (unsigned int)size, NULL, 0)) {
    return problem(&decoder->codec);
  }
  int corrupted = 0;
  if (!vpx_codec_control(&decoder->codec, VP8D_GET_FRAME_CORRUPTED, &corrupted) && corrupted) {
    return "a part of it is missing";
  }
  vpx_codec_iter_t iterator = NULL;
  const vpx_image_t *image = vpx_codec_get_frame(&decoder->codec, &iterator);
  if (!image) return NULL;
  if (image->fmt != VPX_IMG_FMT_I420) return "its pictures are of another kind";
  for (int plane = 0; plane < 3; plane++) {
    out->planes[plane] = image->planes[plane];
    out->strides[plane] = image->stride[plane];
  }
  out->width = image->d_w;
  out->height = image->d_h;
  return NULL;
}

void maru_vpx_decoder_free(maru_vpx_decoder *decoder) {
  vpx_codec_destroy(&decoder->codec);
  free(decoder);
}
