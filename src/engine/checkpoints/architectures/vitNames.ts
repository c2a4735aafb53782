/**
 * timm's name of a weight of a vision transformer: from Hugging Face's `vit`, `beit`, `data2vec_vision`, `deit`, `dinov2`,
 * `vit_mae` and `clip_vision_model`, torchvision's, and DINOv2's own. Since version 5 transformers' modules have other names
 * (`layers.0.attention.q_proj`) than the files it saves; so has what torch.save and Lightning write of them.
 */
export function vitName(name: string): string {
  return name
    .replace(
      /^(vit|beit|data2vec_vision|deit|dinov2|dinov2_with_registers)\.(?=embeddings|encoder|layers|layernorm|pooler|shared)/,
      '',
    )
    .replace(/^vision_model\./, '')
    .replace(/^embeddings\.patch_embeddings\.projection\./, 'patch_embed.proj.')
    .replace(/^(embeddings\.patch_embedding|conv_proj)\./, 'patch_embed.proj.')
    .replace(/^(embeddings\.)?(cls_token|class_token|class_embedding)$/, 'cls_token')
    .replace(/^embeddings\.distillation_token$/, 'dist_token')
    .replace(/^(embeddings\.)?register_tokens$/, 'reg_token')
    .replace(
      /^(embeddings\.position_embeddings|embeddings\.position_embedding\.weight|encoder\.pos_embedding)$/,
      'pos_embed',
    )
    .replace(/^pre_layrnorm\./, 'norm_pre.')
    .replace(/^((encoder\.)?layers?\.|encoder\.layers\.encoder_layer_|blocks\.\d+\.(?=\d))(?=\d)/, 'blocks.')
    .replace(/\.(layernorm_before|layer_norm1|ln_1)\./, '.norm1.')
    .replace(/\.(layernorm_after|layer_norm2|ln_2)\./, '.norm2.')
    .replace(/\.(attention(\.attention)?|self_attn)\.(q|k|v)(uery|ey|alue|_proj)\./, '.attn.$3.')
    .replace(
      /\.(attention\.output\.dense|attention\.o_proj|self_attn\.out_proj|self_attention\.out_proj)\./,
      '.attn.proj.',
    )
    .replace(/\.self_attention\.in_proj_/, '.attn.qkv.')
    .replace(/\.(intermediate\.dense|mlp\.0|mlp\.linear_1|mlp\.w12|mlp\.weights_in)\./, '.mlp.fc1.')
    .replace(/\.(output\.dense|mlp\.3|mlp\.linear_2|mlp\.w3|mlp\.weights_out)\./, '.mlp.fc2.')
    .replace(/\.layer_scale([12])\.lambda1$/, '.ls$1.gamma')
    .replace(/^(layernorm|encoder\.ln|post_layernorm)\./, 'norm.')
    .replace(/^heads\.pre_logits\./, 'pre_logits.fc.')
    .replace(/^(heads\.head|heads|classifier|cls_classifier)\./, 'head.')
    .replace(/^distillation_classifier\./, 'head_dist.');
}
