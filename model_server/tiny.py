"""Makes tiny random weights, to try the server and to test it: `python -m model_server.tiny FOLDER`.

FOLDER gets three pipelines with real structure and random weights (under 10 MB in all), and FOLDER/models.toml, a
configuration for `reelworks model-server`. The pictures are noise; loading, steps, seeds and files are real. Needs the
packages of `make gpu`. The same release of torch makes the same weights each time.
"""

import sys
from pathlib import Path
from typing import Any, Final

CONFIGURATION: Final = """\
[server]
torch_threads = 1
encoder_threads = 1
memory_gib = 2

[pipelines.stable-video]
class = "StableVideoDiffusionPipeline"
source = "./stable-video"
width = 96
height = 64
size_multiple = 8
num_frames = 8
max_frames = 25
steps = 8
max_steps = 1000
options = ["motion_bucket_id", "noise_aug_strength"]

[pipelines.ltx-video]
class = "LTXPipeline"
source = "./ltx-video"
width = 96
height = 64
num_frames = 9
max_frames = 121
steps = 8
max_steps = 1000

[pipelines.sdxl-turbo]
class = "StableDiffusionXLPipeline"
source = "./sdxl-turbo"
width = 64
height = 64
max_pixels = 16384
steps = 4
max_steps = 1000
guidance = 0.0
"""
"""The configuration that stands beside the weights."""

_SEED = 0
_T5_MARKS = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
_CLIP_MARKS = {
    "bos_token": "<|startoftext|>",
    **dict.fromkeys(("eos_token", "pad_token", "unk_token"), "<|endoftext|>"),
}
_WORDS = ("a", "cat", "dog", "walks", "sea", "of", "the", "red", "blue", "in", "rain", "sun")


def make(folder: Path) -> Path:
    """Make the three pipelines, and return the configuration file. The folder is made where it is missing."""
    import diffusers
    import transformers

    diffusers.logging.set_verbosity_error()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    for name, pipeline in (("stable-video", _stable_video), ("ltx-video", _ltx), ("sdxl-turbo", _sdxl)):
        made = pipeline()
        made.save_pretrained(str(folder / name), safe_serialization=True)
    configuration = folder / "models.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    return configuration


def _seeded() -> None:
    import torch

    torch.manual_seed(_SEED)


def _stable_video() -> Any:
    import diffusers
    import transformers

    _seeded()
    unet = diffusers.UNetSpatioTemporalConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        in_channels=8,
        out_channels=4,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        cross_attention_dim=32,
        num_attention_heads=8,
        projection_class_embeddings_input_dim=96,
        addition_time_embed_dim=32,
    )
    vae = diffusers.AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
    )
    # The pipeline scales its picture to 224 pixels itself, whatever the processor says.
    vision = transformers.CLIPVisionModelWithProjection(
        transformers.CLIPVisionConfig(
            hidden_size=32,
            projection_dim=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=224,
            intermediate_size=37,
            patch_size=32,
        )
    )
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        interpolation_type="linear",
        prediction_type="v_prediction",
        sigma_max=700.0,
        sigma_min=0.002,
        timestep_spacing="leading",
        timestep_type="continuous",
        use_karras_sigmas=True,
    )
    return diffusers.StableVideoDiffusionPipeline(
        unet=unet.eval(),
        vae=vae.eval(),
        image_encoder=vision.eval(),
        scheduler=scheduler,
        feature_extractor=transformers.CLIPImageProcessorPil(crop_size=224, size=224),
    )


def _ltx() -> Any:
    import diffusers
    import transformers

    _seeded()
    transformer = diffusers.LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        patch_size=1,
        patch_size_t=1,
        num_attention_heads=4,
        attention_head_dim=8,
        cross_attention_dim=32,
        num_layers=1,
        caption_channels=32,
    )
    vae = diffusers.AutoencoderKLLTXVideo(
        in_channels=3,
        out_channels=3,
        latent_channels=8,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, False, False),
        decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False,) * 5,
        upsample_residual=(False,) * 4,
        upsample_factor=(1,) * 4,
        timestep_conditioning=False,
        patch_size=4,
        patch_size_t=1,
        encoder_causal=True,
        decoder_causal=False,
    )
    vae.use_framewise_encoding = False
    vae.use_framewise_decoding = False
    text = transformers.T5EncoderModel(
        transformers.T5Config(d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, vocab_size=64)
    )
    return diffusers.LTXPipeline(
        transformer=transformer.eval(),
        vae=vae.eval(),
        text_encoder=text.eval(),
        tokenizer=_t5_tokenizer(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(
            base_image_seq_len=1024,
            base_shift=0.95,
            max_image_seq_len=4096,
            max_shift=2.05,
            shift_terminal=0.1,
            use_dynamic_shifting=True,
        ),
    )


def _sdxl() -> Any:
    import diffusers
    import transformers

    _seeded()
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(16, 32),
        layers_per_block=1,
        sample_size=8,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 2),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 1),
        projection_class_embeddings_input_dim=80,
        cross_attention_dim=64,
        norm_num_groups=8,
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 16, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=8,
    )
    text = transformers.CLIPTextConfig(
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        vocab_size=len(_clip_vocabulary()),
        projection_dim=32,
        hidden_act="gelu",
    )
    return diffusers.StableDiffusionXLPipeline(
        unet=unet.eval(),
        vae=vae.eval(),
        text_encoder=transformers.CLIPTextModel(text).eval(),
        text_encoder_2=transformers.CLIPTextModelWithProjection(text).eval(),
        tokenizer=_clip_tokenizer(),
        tokenizer_2=_clip_tokenizer(),
        scheduler=diffusers.EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="trailing"
        ),
    )


def _t5_tokenizer() -> Any:
    import tokenizers
    import transformers

    pieces = ["<pad>", "</s>", "<unk>", *(f"▁{word}" for word in _WORDS), *"▁abcdefghijklmnopqrstuvwxyz"]
    model = tokenizers.models.Unigram([(piece, -float(place)) for place, piece in enumerate(dict.fromkeys(pieces))], 2)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    tokenizer.decoder = tokenizers.decoders.Metaspace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing("$A </s>", "$A $B </s>", [("</s>", 1)])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **_T5_MARKS, model_max_length=512)


def _clip_vocabulary() -> dict[str, int]:
    letters = [chr(letter) for letter in range(ord("a"), ord("z") + 1)]
    return {
        piece: place
        for place, piece in enumerate(
            ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
        )
    }


def _clip_tokenizer() -> Any:
    import transformers

    return transformers.CLIPTokenizer(
        vocab=_clip_vocabulary(),
        merges=[],
        model_max_length=77,
        **_CLIP_MARKS,
    )


def main() -> None:
    """Read the folder from the command line, and make the weights."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python -m model_server.tiny FOLDER")
    try:
        import diffusers  # noqa: F401 -- asked for here, for a line instead of a traceback
        import torch  # noqa: F401
    except ImportError as error:
        sys.exit(
            f"{error.name} is not installed here: `make gpu`, then .venv-gpu/bin/python -m model_server.tiny FOLDER"
        )
    configuration = make(Path(sys.argv[1]))
    sys.stdout.write(f"made {configuration}\n")


if __name__ == "__main__":
    main()
